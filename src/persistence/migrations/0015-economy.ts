/** Batches that can wait: what of them the model's service has, and what it has answered. */
import { type Kysely, sql, type SqlBool } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const batches = db.schema.alterTable('batches');
  await batches.addColumn('mode', 'text', (c) => c.notNull().defaultTo('standard')).execute();
  await batches.addColumn('processId', 'text').execute();
  await batches.addColumn('closedAt', 'bigint').execute();
  // Of the few that are under way, so that a long history costs nothing.
  await db.schema
    .createIndex('batchesUnderWay')
    .on('batches')
    .column('id')
    .where(sql<SqlBool>`"mode" = 'economy' and "closedAt" is null`)
    .execute();

  await db.schema
    .createTable('parcels')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('batchId', 'text', (c) => c.notNull().references('batches.id').onDelete('cascade'))
    .addColumn('sentAt', 'bigint', (c) => c.notNull())
    .addColumn('cancelledAt', 'bigint')
    .addColumn('closedAt', 'bigint')
    .execute();
  await db.schema.createIndex('parcelsByBatch').on('parcels').column('batchId').execute();

  await db.schema.alterTable('executions').addColumn('parcelId', 'text').execute();
  await db.schema
    .createTable('givenAnswers')
    .addColumn('executionId', 'text', (c) => c.primaryKey().references('executions.id').onDelete('cascade'))
    .addColumn('body', 'text', (c) => c.notNull())
    .execute();
}
