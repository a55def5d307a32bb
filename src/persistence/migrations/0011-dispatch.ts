/** What several workers must see of each other: who runs what, who waits for which workspace, who is to be ended. */
import { type Kysely, sql, type SqlBool } from 'kysely';

export async function up(
  db: Kysely<{ executions: { access: string; writes: number; status: string } }>,
): Promise<void> {
  await db.schema
    .createTable('processes')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('startedAt', 'bigint', (c) => c.notNull())
    .addColumn('seenAt', 'bigint', (c) => c.notNull())
    .addColumn('lostAt', 'bigint')
    .execute();

  const executions = db.schema.alterTable('executions');
  await executions.addColumn('writes', 'integer', (c) => c.notNull().defaultTo(1)).execute();
  await executions.addColumn('processId', 'text').execute();
  await executions.addColumn('cancelAskedAt', 'bigint').execute();
  await db.updateTable('executions').set({ writes: 0 }).where('access', '=', 'read-only').execute();

  // Of the few that have not ended, so that a long history costs nothing. The order of a workspace's line, and of a user's.
  const unfinished = (name: string, columns: string[], states: readonly string[]) =>
    db.schema
      .createIndex(name)
      .on('executions')
      .columns(columns)
      .where(sql<SqlBool>`"status" in (${sql.join(states.map((state) => sql.lit(state)))})`)
      .execute();
  await unfinished('executionsWaiting', ['userId', 'projectId', 'priority', 'writes', 'id'], ['queued']);
  await unfinished('executionsWaitingByUser', ['userId', 'id'], ['queued']);
  await unfinished('executionsWaitingById', ['id'], ['queued']);
  // Every process counts them once a second: of 100 000, 36 instead of 166 ms, in less than 1 MB.
  await unfinished('executionsWaitingByPriority', ['priority'], ['queued']);
  await unfinished('executionsActive', ['userId', 'projectId'], ['starting', 'running']);
  await unfinished('executionsByWorker', ['processId'], ['starting', 'running']);
}
