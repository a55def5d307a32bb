/** Contents of workspaces by name: which an execution began and ended with, and which are kept to be had back. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('executions').addColumn('treeBefore', 'text').execute();
  await db.schema.alterTable('executions').addColumn('treeAfter', 'text').execute();
  await db.schema
    .createTable('snapshots')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('workspaceId', 'text', (c) => c.notNull())
    .addColumn('tree', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('executionId', 'text')
    .addColumn('files', 'bigint', (c) => c.notNull())
    .addColumn('bytes', 'bigint', (c) => c.notNull())
    .addColumn('createdAt', 'bigint', (c) => c.notNull())
    .execute();
  // Lists go newest first within one workspace (ids are time-ordered); the sweep looks for the oldest.
  await db.schema
    .createIndex('snapshotsByWorkspace')
    .on('snapshots')
    .columns(['workspaceId', 'id'])
    .execute();
  await db.schema.createIndex('snapshotsByTime').on('snapshots').column('createdAt').execute();
}
