/** Workspaces that are made before they have an owner, and bring their own uid along when they get one. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('waitingWorkspaces')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('uid', 'bigint', (c) => c.unique())
    .addColumn('createdAt', 'bigint', (c) => c.notNull())
    .execute();
  // Empty: the workspace has the uid of its user.
  await db.schema.alterTable('workspaces').addColumn('uid', 'bigint').execute();
}
