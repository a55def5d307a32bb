/** Executions have a priority, and may belong to a batch, in which their events have a number of their own. */
import type { Kysely } from 'kysely';

export async function up(
  db: Kysely<{ executions: { batchId: string | null }; events: { batchId: string | null } }>,
): Promise<void> {
  await db.schema
    .createTable('batches')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('userId', 'text', (c) => c.notNull())
    .addColumn('keyId', 'text', (c) => c.notNull())
    .addColumn('requestId', 'text', (c) => c.notNull())
    .addColumn('idempotencyKey', 'text')
    .addColumn('requestHash', 'text', (c) => c.notNull())
    .addColumn('total', 'integer', (c) => c.notNull())
    .addColumn('lastSeq', 'bigint', (c) => c.notNull())
    .addColumn('createdAt', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('batchesIdempotency', ['userId', 'idempotencyKey'])
    .execute();
  await db.schema.createIndex('batchesByUser').on('batches').columns(['userId', 'id']).execute();

  const executions = db.schema.alterTable('executions');
  await executions.addColumn('priority', 'text', (c) => c.notNull().defaultTo('interactive')).execute();
  await executions.addColumn('batchId', 'text', (c) => c.references('batches.id')).execute();
  await executions.addColumn('position', 'integer').execute();
  // Results come in the order of the request; a state is counted from the index alone.
  await db.schema
    .createIndex('executionsByBatch')
    .unique()
    .on('executions')
    .columns(['batchId', 'position'])
    .where('batchId', 'is not', null)
    .execute();
  await db.schema
    .createIndex('executionsByBatchStatus')
    .on('executions')
    .columns(['batchId', 'status', 'startedAt', 'endedAt'])
    .where('batchId', 'is not', null)
    .execute();

  const events = db.schema.alterTable('events');
  await events.addColumn('batchId', 'text').execute();
  await events.addColumn('batchSeq', 'bigint').execute();
  await db.schema
    .createIndex('eventsByBatch')
    .unique()
    .on('events')
    .columns(['batchId', 'batchSeq'])
    .where('batchId', 'is not', null)
    .execute();
}
