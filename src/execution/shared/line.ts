/** Whose turn it is in a workspace, asked of the database, where every worker sees the same. */
import { type Expression, expressionBuilder, sql, type SqlBool } from 'kysely';
import type { Queryable } from '../../persistence/database.js';
import type { Schema } from '../../persistence/schema.js';
import { HELD, type Waiting } from '../waiting.js';

/** Those who wait for one workspace. */
export type Line = Pick<Waiting, 'userId' | 'projectId'>;

/** What the indexes of the few that have not ended are made for: a parameter in its place would hide that from the planner. */
const QUEUED = sql.lit('queued');
const ACTIVE = [sql.lit('starting'), sql.lit('running')];

/** Ranks above this are all the same: whoever waits behind so many of his own waits long in any case. */
export const RANK_MAX = 1000;
/** Of one line: those that read together. The others follow when one of these ends. */
const AT_ONCE = 32;

/** One that may begin now. */
export interface Ready extends Omit<Waiting, 'access'> {
  /** Of its workspace, when that has been made. */
  workspaceId: string | null;
  /** 1 for the first of its user's that wait, 2 for the second …; at most RANK_MAX. */
  rank: number;
}

/**
 * The rules of `DispatchOrder` for an execution called `one`: a writer is alone, readers are together; within a priority
 * first come, first served; nothing of a batch enters while an interactive one waits; no user has too many at once.
 *
 * Each rule is one search of an index, and must stay one however many wait and whatever PostgreSQL guesses of them: an offset
 * keeps it from making a join of it, for which it would read the line; and an order that only the index of the lines has, a
 * range in its way instead of an equality, keeps it from walking over the table until it meets the first one.
 * @param userMax see USER_MAX_CONCURRENT
 */
export function mayBegin(userMax: number): Expression<SqlBool> {
  const eb = expressionBuilder<Schema & { one: Schema['executions'] }, 'one'>();
  const ofUser = (states: readonly (typeof QUEUED)[]) =>
    eb
      .selectFrom('executions as other')
      .select('other.id')
      .whereRef('other.userId', '=', 'one.userId')
      .where('other.status', 'in', states);
  const inLine = (states: readonly (typeof QUEUED)[]) =>
    ofUser(states).whereRef('other.projectId', '=', 'one.projectId');
  const before = (writes: 0 | 1) =>
    inLine([QUEUED])
      .whereRef('other.priority', '=', 'one.priority')
      .where('other.writes', '>=', writes)
      .where('other.writes', '<=', writes)
      .whereRef('other.id', '<', 'one.id')
      .orderBy('other.writes')
      .orderBy('other.id');
  const interactive = inLine([QUEUED]).where('other.priority', '>=', 'interactive').orderBy('other.priority');
  const none = (found: ReturnType<typeof ofUser>, but = 0) => eb.not(eb.exists(found.limit(1).offset(but)));
  const rules = [
    none(inLine(ACTIVE).where((e) => e.or([e('other.writes', '=', 1), e('one.writes', '=', 1)]))),
    none(before(1)),
    none(before(0).where('one.writes', '=', 1)),
    none(interactive.where('one.priority', '=', 'batch')),
  ];
  if (userMax > 0) rules.push(none(ofUser(ACTIVE), userMax - 1));
  return eb.and(rules);
}

/** Workspaces for which somebody waits, of one user or of all after one of them, in their order. */
export function waitingLines(
  db: Queryable,
  { of, after, limit }: { of?: string; after?: Line; limit?: number },
): Promise<Line[]> {
  let lines = db
    .selectFrom('executions')
    .where('status', '=', QUEUED)
    .select(['userId', 'projectId'])
    .distinct()
    .orderBy('userId')
    .orderBy('projectId');
  if (of !== undefined) lines = lines.where('userId', '=', of);
  if (after !== undefined)
    lines = lines.where((eb) =>
      eb(eb.refTuple('userId', 'projectId'), '>', eb.tuple(after.userId, after.projectId)),
    );
  return (limit === undefined ? lines : lines.limit(limit)).execute();
}

/**
 * Those of these lines that may begin; of a user who may not have more, only so many as he may have, the first to come.
 *
 * They are the heads of their lines, so nobody else is looked at, however many wait. Their order names `writes` so that
 * only the index of the lines has it: for an order by id alone the planner likes to walk over everybody's.
 */
export async function ready(db: Queryable, lines: readonly Line[], userMax: number): Promise<Ready[]> {
  const { rows } = await sql<Ready>`
    with head as (
      select one.*, row_number() over (partition by one."userId" order by one.priority desc, one.id) as place
      from unnest(${lines.map(({ userId }) => userId)}::text[], ${lines.map(({ projectId }) => projectId)}::text[])
          as line ("userId", "projectId")
        cross join (values ('interactive', 0), ('interactive', 1), ('batch', 0), ('batch', 1)) as kind (priority, writes)
        cross join lateral (
          select id, "userId", "projectId", priority, writes from executions
          where status = 'queued' and "userId" = line."userId" and "projectId" = line."projectId"
            and priority = kind.priority and writes >= kind.writes and writes <= kind.writes
          order by writes, id limit ${sql.lit(AT_ONCE)}
        ) as one
      where ${mayBegin(userMax)}
    )
    select head.id as "executionId", head."userId", head."projectId", head.priority, workspaces.id as "workspaceId",
      (select count(*)::int from (
        select from executions as own
        where own.status = 'queued' and own."userId" = head."userId" and own.id <= head.id
          and own.priority <> ${sql.lit(HELD)}
        limit ${sql.lit(RANK_MAX)}
      ) as own) as rank
    from head
      left join workspaces on workspaces."userId" = head."userId" and workspaces."projectId" = head."projectId"
    where ${userMax} = 0 or head.place <= ${userMax} - (
      select count(*) from executions as active
      where active.status in ('starting', 'running') and active."userId" = head."userId"
    )
    order by head.id`.execute(db);
  return rows;
}

/** Whether one that writes waits for this workspace, or is in it. */
export async function hasWriter(db: Queryable, { userId, projectId }: Line): Promise<boolean> {
  const writers = (of: readonly (typeof QUEUED)[]) =>
    db
      .selectFrom('executions')
      .select('id')
      .where('userId', '=', userId)
      .where('projectId', '=', projectId)
      .where('writes', '=', 1)
      .where('status', 'in', of)
      .where('priority', '<>', HELD)
      .limit(1)
      .executeTakeFirst();
  return (await writers([QUEUED])) !== undefined || (await writers(ACTIVE)) !== undefined;
}
