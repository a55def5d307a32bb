/** Which version of a workspace is the truth, when they are in object storage; 0 is the empty one, which is kept nowhere. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('workspaces')
    .addColumn('version', 'bigint', (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable('workspaces').addColumn('stored', 'text').execute();
}
