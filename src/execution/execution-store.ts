/** The executions table: the truth about every execution. Every change of state is one guarded update. */
import { Injectable } from '@nestjs/common';
import { type CompiledQuery, type Insertable, type Selectable, sql } from 'kysely';
import { mayActAs } from '../access/acting-as.js';
import type { Principal } from '../access/principal.js';
import { presentProcesses } from '../cluster/present.js';
import type { CommandAction } from '../commands/claude-code-request.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { chunks } from '../persistence/chunks.js';
import { Database, type Queryable } from '../persistence/database.js';
import type { ExecutionsTable } from '../persistence/schema.js';
import type { ChangeSet } from '../workspaces/workspace.js';
import type { Execution, ExecutionSummary } from './execution.js';
import { type EndStatus, type ExecutionStatus, statesBefore } from './execution-state.js';
import { HELD, type Priority, waitingOf } from './waiting.js';

export interface ListQuery {
  userId: string;
  status?: ExecutionStatus;
  projectId?: string;
  action?: CommandAction;
  batchId?: string;
  /** Only executions made before this one: the last id of the page before. */
  before?: string;
  limit: number;
}

/** What a retried call is recognised by. */
export interface Idempotency {
  key: string | null;
  requestHash: string;
}

/** How many executions of a batch are in a state; the earliest start and the latest end among them. */
export interface Tally {
  batchId: string;
  status: ExecutionStatus;
  count: number;
  /** Epoch milliseconds. */
  startedAt?: number;
  endedAt?: number;
}

export interface End
  extends
    Required<Pick<Execution, 'endedAt' | 'response'>>,
    Pick<Execution, 'errorCode' | 'treeBefore' | 'treeAfter'> {
  status: EndStatus;
}

@Injectable()
export class ExecutionStore {
  /** Kysely builds and compiles a query anew for each call, which took longer than running this one. */
  private readonly byId: CompiledQuery<Selectable<ExecutionsTable>>;

  constructor(private readonly database: Database) {
    this.byId = database.selectFrom('executions').selectAll().where('id', '=', '').compile();
  }

  async insert(db: Queryable, executions: readonly Execution[], idempotency: Idempotency): Promise<void> {
    for await (const some of chunks(executions))
      await db
        .insertInto('executions')
        .values(some.map((execution) => toRow(execution, idempotency)))
        .execute();
  }

  async find(id: string): Promise<Execution | undefined> {
    const { rows } = await this.database.executeQuery<Selectable<ExecutionsTable>>({
      ...this.byId,
      parameters: [id],
    });
    return rows[0] && fromRow(rows[0]);
  }

  /**
   * What this caller may see of it: all or nothing.
   * @param details of the error
   * @throws ClaudeCodeError E009 when there is none, and just so when it is somebody else's
   */
  async findFor(principal: Principal, id: string, details?: unknown): Promise<Execution> {
    const execution = await this.find(id);
    if (execution === undefined || !mayActAs(principal, execution.userId))
      throw new ClaudeCodeError('E009', 'There is no such execution.', { details });
    return execution;
  }

  /** The execution this user made under this key, with the hash of its request. */
  async findByIdempotencyKey(
    userId: string,
    key: string,
  ): Promise<{ execution: Execution; requestHash: string } | undefined> {
    const row = await this.database
      .selectFrom('executions')
      .selectAll()
      .where('userId', '=', userId)
      .where('idempotencyKey', '=', key)
      .executeTakeFirst();
    return row && { execution: fromRow(row), requestHash: row.requestHash };
  }

  /** Newest first. Requests and responses are not even read: they are by far the most of a row. */
  async list(query: ListQuery): Promise<ExecutionSummary[]> {
    let rows = this.database.selectFrom('executions').select(SUMMARY).where('userId', '=', query.userId);
    if (query.status !== undefined) rows = rows.where('status', '=', query.status);
    if (query.projectId !== undefined) rows = rows.where('projectId', '=', query.projectId);
    if (query.action !== undefined) rows = rows.where('action', '=', query.action);
    if (query.batchId !== undefined) rows = rows.where('batchId', '=', query.batchId);
    if (query.before !== undefined) rows = rows.where('id', '<', query.before);
    return (await rows.orderBy('id', 'desc').limit(query.limit).execute()).map(summaryFromRow);
  }

  /** What has not ended, oldest first; of one batch or of all. */
  async unfinished(batchId?: string): Promise<Execution[]> {
    let rows = this.database
      .selectFrom('executions')
      .selectAll()
      .where('status', 'in', ['queued', 'starting', 'running']);
    if (batchId !== undefined) rows = rows.where('batchId', '=', batchId);
    return (await rows.orderBy('id').execute()).map(fromRow);
  }

  /** What workers that were given up had begun. */
  async ofLostWorkers(): Promise<Execution[]> {
    const rows = await this.database
      .selectFrom('executions')
      .selectAll()
      .where('status', 'in', [sql.lit('starting'), sql.lit('running')])
      .where('processId', 'not in', presentProcesses(this.database))
      .execute();
    return rows.map(fromRow);
  }

  /** Notes that one was asked to be cancelled that another process runs. */
  async askToCancel({ id }: Execution): Promise<void> {
    await this.database
      .updateTable('executions')
      .set({ cancelAskedAt: Date.now() })
      .where('id', '=', id)
      .where('cancelAskedAt', 'is', null)
      .execute();
  }

  /** Of those that a worker runs, what is to be cancelled. */
  async askedToCancel(processId: string): Promise<string[]> {
    const rows = await this.database
      .selectFrom('executions')
      .select('id')
      .where('status', 'in', [sql.lit('starting'), sql.lit('running')])
      .where('processId', '=', processId)
      .where('cancelAskedAt', 'is not', null)
      .execute();
    return rows.map(({ id }) => id);
  }

  /** How many wait. */
  async waiting(): Promise<Record<Priority, number>> {
    const rows = await this.database
      .selectFrom('executions')
      .where('status', '=', sql.lit('queued'))
      .where('priority', '<>', HELD)
      .groupBy('priority')
      .select(({ fn }) => ['priority', fn.countAll<number | string>().as('count')])
      .execute();
    const counts = { interactive: 0, batch: 0 };
    for (const { priority, count } of rows) counts[priority as Priority] = Number(count);
    return counts;
  }

  /** Up to `limit` executions of a batch in the order of its requests, beginning at a position. */
  async ofBatch(batchId: string, from: number, limit: number): Promise<Execution[]> {
    const rows = await this.database
      .selectFrom('executions')
      .selectAll()
      .where('batchId', '=', batchId)
      .where('position', '>=', from)
      .orderBy('position')
      .limit(limit)
      .execute();
    return rows.map(fromRow);
  }

  /** What is known of the executions of these batches, by batch and state. */
  async tally(batchIds: readonly string[]): Promise<Tally[]> {
    if (batchIds.length === 0) return [];
    const rows = await this.database
      .selectFrom('executions')
      .where('batchId', 'in', batchIds)
      .groupBy(['batchId', 'status'])
      .select(({ fn }) => [
        'batchId',
        'status',
        fn.countAll<number | string>().as('count'),
        fn.min<number | string | null>('startedAt').as('startedAt'),
        fn.max<number | string | null>('endedAt').as('endedAt'),
      ])
      .execute();
    return rows.map(({ batchId, status, count, startedAt, endedAt }) => ({
      batchId: batchId ?? '',
      status: status as ExecutionStatus,
      count: Number(count),
      startedAt: startedAt === null ? undefined : Number(startedAt),
      endedAt: endedAt === null ? undefined : Number(endedAt),
    }));
  }

  /** Begins the next attempt; undefined when it no longer waits. */
  async claim(id: string): Promise<Execution | undefined> {
    const row = await this.database
      .updateTable('executions')
      .set((eb) => ({ status: 'starting', attempt: eb('attempt', '+', 1), startedAt: Date.now() }))
      .where('id', '=', id)
      .where('status', '=', 'queued')
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Moves an attempt on; false when the way is not allowed or the attempt is not the execution's any more. */
  async advance(db: Queryable, { id, attempt }: Execution, to: 'running' | 'queued'): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('executions')
      .set({ status: to })
      .where('id', '=', id)
      .where('attempt', '=', attempt)
      .where('status', 'in', statesBefore(to))
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  /** Whether an attempt may still write, to the end of the transaction. */
  async isUnderWay(db: Queryable, { id, attempt }: Execution): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('executions')
      .set({ attempt }) // it is that already: the row is held for whoever wants to end it
      .where('id', '=', id)
      .where('attempt', '=', attempt)
      .where('status', 'in', ['starting', 'running'])
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  /** Ends an attempt; false when it has already ended or the attempt is not the execution's any more. */
  async end(db: Queryable, { id, attempt }: Execution, end: End): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('executions')
      .set({
        status: end.status,
        endedAt: end.endedAt,
        errorCode: end.errorCode ?? null,
        response: JSON.stringify(end.response),
        treeBefore: end.treeBefore,
        treeAfter: end.treeAfter,
      })
      .where('id', '=', id)
      .where('attempt', '=', attempt)
      .where('status', 'in', statesBefore(end.status))
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  /** Names what the workspace held; an attempt that has lost its execution names nothing. */
  async saveTrees(
    { id, attempt }: Execution,
    trees: Pick<Execution, 'treeBefore' | 'treeAfter'>,
  ): Promise<void> {
    await this.database
      .updateTable('executions')
      .set(trees)
      .where('id', '=', id)
      .where('attempt', '=', attempt)
      .where('status', 'in', ['starting', 'running'])
      .execute();
  }

  async saveChanges(db: Queryable, executionId: string, changes: ChangeSet): Promise<void> {
    await db
      .insertInto('changes')
      .values({ executionId, body: JSON.stringify(changes) })
      .execute();
  }

  async changes(executionId: string): Promise<ChangeSet | undefined> {
    const row = await this.database
      .selectFrom('changes')
      .select('body')
      .where('executionId', '=', executionId)
      .executeTakeFirst();
    return row && (JSON.parse(row.body) as ChangeSet);
  }

  /** Removes up to `limit` executions that ended before `time`, with their events and changes; answers how many. */
  async removeEndedBefore(time: number, limit: number): Promise<number> {
    const old = this.database.selectFrom('executions').select('id').where('endedAt', '<', time).limit(limit);
    const { numDeletedRows } = await this.database
      .deleteFrom('executions')
      .where('id', 'in', old)
      .executeTakeFirst();
    return Number(numDeletedRows);
  }
}

const SUMMARY = [
  'id',
  'status',
  'action',
  'userId',
  'projectId',
  'createdAt',
  'startedAt',
  'endedAt',
  'attempt',
  'engine',
  'batchId',
  'position',
  'continues',
] as const satisfies (keyof ExecutionSummary)[];

const toRow = (execution: Execution, idempotency: Idempotency): Insertable<ExecutionsTable> => ({
  ...execution,
  request: JSON.stringify(execution.request),
  idempotencyKey: idempotency.key,
  requestHash: idempotency.requestHash,
  writes: waitingOf(execution).access === 'read-only' ? 0 : 1,
  traceparent: execution.traceparent ?? null,
  parcelId: execution.parcelId ?? null,
  batchId: execution.batchId ?? null,
  position: execution.position ?? null,
  continues: execution.continues ?? null,
  startedAt: execution.startedAt ?? null,
  endedAt: execution.endedAt ?? null,
  errorCode: execution.errorCode ?? null,
  response: execution.response === undefined ? null : JSON.stringify(execution.response),
  treeBefore: execution.treeBefore ?? null,
  treeAfter: execution.treeAfter ?? null,
});

const summaryFromRow = (
  row: Pick<Selectable<ExecutionsTable>, (typeof SUMMARY)[number]>,
): ExecutionSummary => ({
  ...(row as typeof row & Pick<Execution, 'action' | 'status'>),
  batchId: row.batchId ?? undefined,
  position: row.position ?? undefined,
  continues: row.continues ?? undefined,
  startedAt: row.startedAt ?? undefined,
  endedAt: row.endedAt ?? undefined,
});

type Closed = 'action' | 'access' | 'priority' | 'status' | 'errorCode';

/** The columns hold what `toRow` and the guarded updates wrote, so the closed vocabularies can be trusted. */
export function fromRow({
  idempotencyKey: _key,
  requestHash: _hash,
  writes: _writes,
  processId: _processId,
  cancelAskedAt: _cancelAskedAt,
  ...row
}: Selectable<ExecutionsTable>): Execution {
  return {
    ...(row as Omit<typeof row, Closed> & Pick<Execution, Closed>),
    traceparent: row.traceparent ?? undefined,
    request: JSON.parse(row.request) as Execution['request'],
    parcelId: row.parcelId ?? undefined,
    batchId: row.batchId ?? undefined,
    position: row.position ?? undefined,
    continues: row.continues ?? undefined,
    startedAt: row.startedAt ?? undefined,
    endedAt: row.endedAt ?? undefined,
    errorCode: (row.errorCode ?? undefined) as Execution['errorCode'],
    response: row.response === null ? undefined : (JSON.parse(row.response) as Execution['response']),
    treeBefore: row.treeBefore ?? undefined,
    treeAfter: row.treeAfter ?? undefined,
  };
}
