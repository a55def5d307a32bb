/** Executions that wait, written straight into a cluster's database: copies of one that was accepted in the usual way. */
import type { Cluster } from './cluster.ts';
import type { Server } from './server.ts';

/** Numbers as UUIDv7: the first 48 bits are a time, so the order of ids is the order of numbers. A millisecond apart. */
const ID = `substr(lpad(to_hex($2::bigint + n), 12, '0'), 1, 8) || '-' || substr(lpad(to_hex($2::bigint + n), 12, '0'), 9)
  || '-7000-8000-' || lpad(to_hex(n), 12, '0')`;

export interface Line {
  executions: number;
  /** They take turns; each has one project. */
  users: number;
}

/**
 * @param api the copied one is asked for there; no worker may be running yet
 * @param request of each of them
 */
export async function fillLine(
  cluster: Cluster,
  api: Server,
  request: { action: string; prompt: string },
  { executions, users }: Line,
): Promise<void> {
  const { id } = await api.submit(request.prompt, { userId: 'user-0', projectId: 'line' }, request.action);
  const from = Date.now();
  // What the audit's chain says of them is another matter: it is not verified here.
  await cluster.query(
    `insert into executions select made.* from executions one
     cross join generate_series(1, $3::int) n
     cross join lateral jsonb_populate_record(one, jsonb_build_object(
       'id', ${ID}, 'userId', 'user-' || n % $4::int, 'createdAt', $2::bigint + n)) made
     where one.id = $1`,
    [id, from, executions - 1, users],
  );
  await cluster.query(
    `insert into events select made.* from events one
     cross join generate_series(1, $3::int) n
     cross join lateral jsonb_populate_record(one, jsonb_build_object('executionId', ${ID})) made
     where one."executionId" = $1`,
    [id, from, executions - 1],
  );
  // As PostgreSQL does by itself, within a minute.
  await cluster.query('vacuum analyze executions');
}

/** Nobody waits any more; what Redis was told of them it forgets when they are offered. */
export const clearLine = (cluster: Cluster): Promise<unknown> =>
  cluster.query(`delete from executions where status = 'queued'`);
