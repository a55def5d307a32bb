/** Who uses the files of which workspace, when several processes do: rows that hold for as long as their process is there. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('leases')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('workspaceId', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('processId', 'text', (c) => c.notNull())
    .addColumn('createdAt', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('leasesByWorkspace').on('leases').column('workspaceId').execute();
  await db.schema
    .alterTable('workspaces')
    .addColumn('writes', 'bigint', (c) => c.notNull().defaultTo(0))
    .execute();
  // Empty: made by the only process there is.
  await db.schema.alterTable('waitingWorkspaces').addColumn('processId', 'text').execute();
}
