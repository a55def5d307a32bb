/** What can be done with executions: submit, cancel, find, list. */
import { Injectable } from '@nestjs/common';
import { SpanKind } from '@opentelemetry/api';
import { v7 as uuidv7 } from 'uuid';
import { actingAs } from '../access/acting-as.js';
import type { Caller, Principal } from '../access/principal.js';
import type { AgentTask } from '../agents/agent-task.js';
import type { ClaudeCodeRequest } from '../commands/claude-code-request.js';
import { CommandCompiler } from '../commands/command-compiler.js';
import { type Question, Questions } from '../cache/questions.js';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { chunks } from '../persistence/chunks.js';
import { Database, type Queryable } from '../persistence/database.js';
import { Sandboxes } from '../sandbox/sandbox.js';
import { currentTraceparent, inSpan } from '../tracing/span.js';
import { Workspaces } from '../workspaces/workspace.js';
import { ActiveExecutions } from './active-executions.js';
import { AnswerRecorder } from './answer-recorder.js';
import { ChangeRecorder } from './change-recorder.js';
import { Conversations } from './conversations.js';
import { DomainEvents } from './domain-events.js';
import { Elsewhere } from './elsewhere.js';
import { EventLog, type First } from './event-log.js';
import type { Execution, ExecutionSummary } from './execution.js';
import { answered, ExecutionEnder, nothingDone } from './execution-ender.js';
import type { RecordedEvent } from './execution-event.js';
import { ExecutionQueue } from './execution-queue.js';
import { isEnd } from './execution-state.js';
import { ExecutionStore, type Idempotency, type ListQuery, type Tally } from './execution-store.js';
import { Flights } from './flights.js';
import { Lifecycle } from './lifecycle.js';
import { namedPaths } from './named-paths.js';
import { requestHash } from './request-hash.js';
import { HELD, type Priority } from './waiting.js';

export const DEFAULT_PROJECT = 'default';

/** Seconds after which a refused submission may be tried again. */
const RETRY_AFTER = 5;

/** Ends in one transaction: one disk flush for all, and the event loop is back after some ten milliseconds. */
const ENDED_AT_ONCE = 20;

@Injectable()
export class ExecutionService {
  /** Executions that were let in and are not in the queue yet: many at once must not overfill it. */
  private readonly entering = { interactive: 0, batch: 0 };

  constructor(
    private readonly compiler: CommandCompiler,
    private readonly store: ExecutionStore,
    private readonly queue: ExecutionQueue,
    private readonly active: ActiveExecutions,
    private readonly ender: ExecutionEnder,
    private readonly sandboxes: Sandboxes,
    private readonly workspaces: Workspaces,
    private readonly conversations: Conversations,
    private readonly log: EventLog,
    private readonly events: DomainEvents,
    private readonly database: Database,
    private readonly lifecycle: Lifecycle,
    private readonly config: Config,
    private readonly questions: Questions,
    private readonly answers: AnswerRecorder,
    private readonly recorder: ChangeRecorder,
    private readonly flights: Flights,
    private readonly elsewhere: Elsewhere,
  ) {}

  /**
   * Accepts one request. Row, first event and audit entry are committed together before this resolves.
   * @param idempotencyKey the same key with the same request answers the execution that it made before
   * @throws ClaudeCodeError E003, E004, E006 (the request), E008 (another user), E009, E010 (`options.continue`),
   *   E010 (key used for another request), E012 (stopping, queue full, no sandbox, audit not writable)
   */
  submit(
    request: ClaudeCodeRequest,
    caller: Caller,
    idempotencyKey: string | null = null,
  ): Promise<Execution> {
    const attributes = { 'caisson.action': request.action };
    return inSpan('execution.submit', { kind: SpanKind.PRODUCER, attributes }, async (span) => {
      const execution = await this.submitted(request, caller, idempotencyKey);
      span.setAttribute('caisson.execution.id', execution.id);
      return execution;
    });
  }

  private async submitted(
    request: ClaudeCodeRequest,
    caller: Caller,
    idempotencyKey: string | null,
  ): Promise<Execution> {
    const { execution, task } = this.prepare(request, caller);
    const idempotency = { key: idempotencyKey, requestHash: requestHash(request) };
    const earlier = await this.earlier(execution.userId, idempotency);
    if (earlier !== undefined) return earlier;
    try {
      const question = await this.questions.of(execution);
      const answered = await this.fromCache(execution, question, idempotency, caller);
      if (answered !== undefined) return answered;
      return await this.entered('interactive', 1, async () => {
        const accepted = await this.conversations.goingOn(execution, caller.principal);
        await this.checkPaths(task, accepted);
        await this.commit([{ execution: accepted, question }], idempotency, caller);
        return accepted;
      });
    } catch (error) {
      // Two calls with one key at once: the unique index let one in, and the other answers that one.
      const winner = await this.earlier(execution.userId, idempotency);
      if (winner === undefined) throw error;
      return winner;
    }
  }

  /**
   * What a request becomes when it is accepted.
   * @throws ClaudeCodeError E003, E004, E006 (the request), E008 (another user)
   */
  prepare(
    request: ClaudeCodeRequest,
    caller: Caller,
    place: Pick<Execution, 'priority' | 'batchId' | 'position'> = { priority: 'interactive' },
  ): { execution: Execution; task: AgentTask } {
    const userId = actingAs(caller.principal, request.metadata?.userId);
    const task = this.compiler.compile(request);
    return { execution: { ...this.executionOf(request, task, userId, caller), ...place }, task };
  }

  /**
   * Does the work of accepting so many executions while their room in the queue is kept for them.
   * @throws ClaudeCodeError E012 (stopping, queue full, no sandbox), and whatever the work throws
   */
  async entered<T>(priority: Priority, count: number, work: () => Promise<T>): Promise<T> {
    this.checkOpen(priority, count);
    this.entering[priority] += count;
    try {
      return await work();
    } finally {
      this.entering[priority] -= count;
    }
  }

  /**
   * Commits rows, first events and audit entries of all or of none, then lets them wait for their turn, unless they are held.
   * @param alongside written in the same transaction, before them
   * @throws ClaudeCodeError E012 when the audit cannot be written; whatever the database or `alongside` throws
   */
  async accept(
    executions: readonly Execution[],
    idempotency: Idempotency,
    caller: Caller,
    alongside?: (db: Queryable) => Promise<void>,
  ): Promise<void> {
    const asked = await Promise.all(
      executions.map(async (execution) => ({
        execution,
        question: execution.priority === HELD ? undefined : await this.questions.of(execution),
      })),
    );
    await this.commit(asked, idempotency, caller, alongside);
  }

  private async commit(
    asked: readonly { execution: Execution; question: Question | undefined }[],
    idempotency: Idempotency,
    caller: Caller,
    alongside?: (db: Queryable) => Promise<void>,
  ): Promise<void> {
    const executions = asked.map(({ execution }) => execution);
    const stored = await this.database.transaction().execute(async (db) => {
      await alongside?.(db);
      return this.insert(db, executions, idempotency, caller);
    });
    this.log.publish(stored);
    for (const { execution, question } of asked)
      if (execution.priority !== HELD) this.flights.enter(execution, question);
  }

  private async insert(
    db: Queryable,
    executions: readonly Execution[],
    idempotency: Idempotency,
    caller: Caller,
  ): Promise<RecordedEvent[]> {
    await this.store.insert(db, executions, idempotency);
    await this.events.emitSerial('executions.accepted', { executions, caller, db });
    return this.log.recordFirst(db, executions.map(firstOf));
  }

  /**
   * Accepts and ends an execution whose answer is kept, in one transaction: it needs no sandbox and no place in the queue.
   * Undefined when there is no answer, or nobody knows yet what the one who writes to the workspace will leave.
   * @throws ClaudeCodeError E012 (stopping, no sandbox, audit not writable)
   */
  private async fromCache(
    execution: Execution,
    question: Question | undefined,
    idempotency: Idempotency,
    caller: Caller,
  ): Promise<Execution | undefined> {
    this.checkServing();
    if (await this.queue.hasWriter(execution)) return undefined;
    const answer = await this.answers.known(execution, question);
    if (answer === undefined) return undefined;
    await this.recorder.adopt(execution.id, answer);
    const started = { ...execution, status: 'running' as const, attempt: 1, startedAt: execution.createdAt };
    const { first, ended } = await this.database.transaction().execute(async (db) => ({
      first: await this.insert(db, [started], idempotency, caller),
      ended: await this.ender.record(db, started, answered(answer)),
    }));
    if (ended === undefined) throw new Error('an execution that was just made could not be ended');
    this.log.publish(first);
    await this.ender.settle(ended);
    await this.answers.hit('kept');
    return ended.execution;
  }

  /** @throws ClaudeCodeError E009 */
  find(id: string, principal: Principal): Promise<Execution> {
    return this.store.findFor(principal, id);
  }

  /** Newest first. @throws ClaudeCodeError E008 */
  list(query: Omit<ListQuery, 'userId'>, principal: Principal, userId?: string): Promise<ExecutionSummary[]> {
    return this.store.list({ ...query, userId: actingAs(principal, userId) });
  }

  /** Idempotent: answers the execution as it is once the cancel has had its effect. @throws ClaudeCodeError E009 */
  async cancel(id: string, principal: Principal): Promise<Execution> {
    const execution = await this.find(id, principal);
    if (isEnd(execution.status)) return execution;
    await this.cancelAll([execution]);
    const now = await this.find(id, principal);
    // Another process has begun it between the look and the cancel.
    if (execution.status === 'queued' && !isEnd(now.status)) await this.cancelAll([now]);
    return this.find(id, principal);
  }

  /** Of a batch, in the order of its requests, beginning at a position. */
  ofBatch(batchId: string, from: number, limit: number): Promise<Execution[]> {
    return this.store.ofBatch(batchId, from, limit);
  }

  /** The execution as it is now. */
  async reload(execution: Execution): Promise<Execution> {
    return (await this.store.find(execution.id)) ?? execution;
  }

  tally(batchIds: readonly string[]): Promise<Tally[]> {
    return this.store.tally(batchIds);
  }

  /** Resolves when all of the batch have ended. */
  async cancelBatch(batchId: string): Promise<void> {
    // Again until nothing is left: what was accepted and did not wait yet may have started meanwhile.
    for (let open = await this.store.unfinished(batchId); open.length > 0;) {
      await this.cancelAll(open);
      open = await this.store.unfinished(batchId);
    }
  }

  private async cancelAll(executions: readonly Execution[]): Promise<void> {
    const cause = new ClaudeCodeError('E013', 'The caller cancelled it.');
    // The last first: otherwise the one behind would start when the one in front of it leaves.
    const waiting = new Set(executions.toReversed().filter(({ id }) => this.queue.withdraw(id)));
    const ending = executions.map((one) => (waiting.has(one) ? undefined : this.active.end(one.id, cause)));
    const rest = executions.filter((_, index) => ending[index] === undefined);
    // Neither in the queue here nor under way: ended it will not be claimed, wherever it waits.
    const queued = rest.filter(({ status }) => status === 'queued');
    for await (const some of chunks(queued, ENDED_AT_ONCE)) await this.ender.endAll(some, nothingDone(cause));
    await Promise.all([
      ...ending.filter((end) => end !== undefined),
      ...rest.filter(({ status }) => status !== 'queued').map((one) => this.elsewhere.cancel(one)),
    ]);
  }

  private async earlier(
    userId: string,
    { key, requestHash: hash }: Idempotency,
  ): Promise<Execution | undefined> {
    if (key === null) return undefined;
    const found = await this.store.findByIdempotencyKey(userId, key);
    if (found !== undefined && found.requestHash !== hash)
      throw new ClaudeCodeError('E010', 'The idempotency key was used for another request.');
    return found?.execution;
  }

  private checkOpen(priority: Priority, count: number): void {
    this.checkServing();
    const waiting = this.queue.waiting[priority] + this.flights.waiting[priority] + this.entering[priority];
    if (waiting + count > this.config.values.QUEUE_MAX) throw unavailable('The queue is full.');
  }

  private checkServing(): void {
    if (this.lifecycle.stopping) throw unavailable('The server is shutting down.');
    if (!this.queue.reachable) throw unavailable('The queue cannot be reached.');
    if (this.sandboxes.report?.ok === false)
      throw unavailable('No sandbox can be had here; /health/ready says why.');
  }

  private async checkPaths(task: AgentTask, { userId, projectId }: Execution): Promise<void> {
    const paths = namedPaths(task);
    if (paths.length > 0)
      await this.workspaces.mustExist(await this.workspaces.open(userId, projectId), paths);
  }

  private executionOf(
    request: ClaudeCodeRequest,
    task: AgentTask,
    userId: string,
    caller: Caller,
  ): Execution {
    return {
      id: uuidv7(),
      userId,
      projectId: request.metadata?.projectId ?? DEFAULT_PROJECT,
      keyId: caller.principal.keyId,
      requestId: caller.requestId,
      traceparent: currentTraceparent(),
      action: request.action,
      access: task.access,
      priority: 'interactive',
      continues: request.options?.continue ?? undefined,
      engine: task.engine,
      model: task.model,
      request,
      status: 'queued',
      attempt: 0,
      lastSeq: 1, // the first event is written with it
      createdAt: Date.now(),
    };
  }
}

const unavailable = (message: string) => new ClaudeCodeError('E012', message, { retryAfter: RETRY_AFTER });

function firstOf({ id, action, projectId, model, batchId, position }: Execution): First {
  const fact = { type: 'execution.queued' as const, data: { action, projectId, model } };
  if (batchId === undefined || position === undefined) return { executionId: id, fact };
  return { executionId: id, fact, place: { batchId, position, batchSeq: position + 1 } };
}
