/** In which trace an execution was asked for: a job in Redis may be lost, the row is not. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('executions').addColumn('traceparent', 'text').execute();
}
