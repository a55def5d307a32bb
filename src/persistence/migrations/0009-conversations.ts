/** What was said in executions, so that later ones can go on from there; which of them did. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('executions').addColumn('continues', 'text').execute();
  await db.schema
    .createTable('conversations')
    .addColumn('executionId', 'text', (c) => c.primaryKey().references('executions.id').onDelete('cascade'))
    .addColumn('body', 'text', (c) => c.notNull())
    .execute();
}
