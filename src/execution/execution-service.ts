/** What can be done with executions: submit, cancel, find, list. */
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { actingAs, mayActAs } from '../access/acting-as.js';
import type { Caller, Principal } from '../access/principal.js';
import { AgentEngine } from '../agents/agent-engine.js';
import type { AgentTask } from '../agents/agent-task.js';
import type { ClaudeCodeRequest } from '../commands/claude-code-request.js';
import { CommandCompiler } from '../commands/command-compiler.js';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { Database } from '../persistence/database.js';
import { Sandboxes } from '../sandbox/sandbox.js';
import { type ChangeSet, Workspaces } from '../workspaces/workspace.js';
import { ActiveExecutions } from './active-executions.js';
import { DomainEvents } from './domain-events.js';
import { EventLog } from './event-log.js';
import type { Execution } from './execution.js';
import { ExecutionEnder, nothingDone } from './execution-ender.js';
import { ExecutionQueue } from './execution-queue.js';
import { isEnd } from './execution-state.js';
import { ExecutionStore, type Idempotency, type ListQuery } from './execution-store.js';
import { Lifecycle } from './lifecycle.js';
import { requestHash } from './request-hash.js';
import { waitingOf } from './waiting.js';

export const DEFAULT_PROJECT = 'default';

/** Seconds after which a refused submission may be tried again. */
const RETRY_AFTER = 5;

@Injectable()
export class ExecutionService {
  /** Submissions that were let in and are not in the queue yet: many at once must not overfill it. */
  private entering = 0;

  constructor(
    private readonly compiler: CommandCompiler,
    private readonly store: ExecutionStore,
    private readonly queue: ExecutionQueue,
    private readonly active: ActiveExecutions,
    private readonly ender: ExecutionEnder,
    private readonly engine: AgentEngine,
    private readonly sandboxes: Sandboxes,
    private readonly workspaces: Workspaces,
    private readonly log: EventLog,
    private readonly events: DomainEvents,
    private readonly database: Database,
    private readonly lifecycle: Lifecycle,
    private readonly config: Config,
  ) {}

  /**
   * Accepts one request. Row, first event and audit entry are committed together before this resolves.
   * @param idempotencyKey the same key with the same request answers the execution that it made before
   * @throws ClaudeCodeError E003, E004, E006 (the request), E008 (another user), E010 (key used for another request),
   *   E012 (stopping, queue full, no sandbox, audit not writable)
   */
  async submit(
    request: ClaudeCodeRequest,
    caller: Caller,
    idempotencyKey: string | null = null,
  ): Promise<Execution> {
    const userId = actingAs(caller.principal, request.metadata?.userId);
    const task = this.compiler.compile(request);
    const idempotency = { key: idempotencyKey, requestHash: requestHash(request) };
    const earlier = await this.earlier(userId, idempotency);
    if (earlier !== undefined) return earlier;
    this.checkOpen();
    this.entering += 1;
    try {
      const execution = this.executionOf(request, task, userId, caller);
      await this.checkPaths(task, execution);
      await this.accept(execution, idempotency, caller);
      this.queue.offer(waitingOf(execution));
      return execution;
    } catch (error) {
      // Two calls with one key at once: the unique index let one in, and the other answers that one.
      const winner = await this.earlier(userId, idempotency);
      if (winner === undefined) throw error;
      return winner;
    } finally {
      this.entering -= 1;
    }
  }

  /** @throws ClaudeCodeError E009 */
  async find(id: string, principal: Principal): Promise<Execution> {
    const execution = await this.store.find(id);
    if (execution === undefined || !mayActAs(principal, execution.userId))
      throw new ClaudeCodeError('E009', 'There is no such execution.');
    return execution;
  }

  /** Newest first. @throws ClaudeCodeError E008 */
  list(query: Omit<ListQuery, 'userId'>, principal: Principal, userId?: string): Promise<Execution[]> {
    return this.store.list({ ...query, userId: actingAs(principal, userId) });
  }

  /** What it changed in its workspace; empty until it has ended. @throws ClaudeCodeError E009 */
  async changes(id: string, principal: Principal): Promise<ChangeSet> {
    await this.find(id, principal);
    return (await this.store.changes(id)) ?? { files: [], diff: '', skipped: [] };
  }

  /** Idempotent: answers the execution as it is once the cancel has had its effect. @throws ClaudeCodeError E009 */
  async cancel(id: string, principal: Principal): Promise<Execution> {
    const execution = await this.find(id, principal);
    if (isEnd(execution.status)) return execution;
    const cause = new ClaudeCodeError('E013', 'The caller cancelled it.');
    const waits = this.queue.withdraw(id);
    // Neither waiting nor under way: it is accepted and not in the queue yet, and ended it will not be claimed there.
    await ((waits ? undefined : this.active.end(id, cause)) ?? this.ender.end(execution, nothingDone(cause)));
    return this.find(id, principal);
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

  private checkOpen(): void {
    const refuse = (message: string, details?: unknown): never => {
      throw new ClaudeCodeError('E012', message, { retryAfter: RETRY_AFTER, details });
    };
    if (this.lifecycle.stopping) refuse('The server is shutting down.');
    if (this.queue.waiting.interactive + this.entering >= this.config.values.QUEUE_MAX)
      refuse('The queue is full.');
    if (this.sandboxes.report?.ok === false) refuse('No sandbox can be had here; /health/ready says why.');
  }

  private async checkPaths(task: AgentTask, { userId, projectId }: Execution): Promise<void> {
    const directory = { path: task.workingDirectory, type: 'directory' as const };
    const paths = [
      ...(directory.path === '.' ? [] : [directory]),
      ...task.files.map((path) => ({ path, type: 'any' as const })),
    ];
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
      action: request.action,
      access: task.access,
      priority: 'interactive',
      engine: this.engine.name,
      model: task.model,
      request,
      status: 'queued',
      attempt: 0,
      lastSeq: 0,
      createdAt: Date.now(),
    };
  }

  private async accept(execution: Execution, idempotency: Idempotency, caller: Caller): Promise<void> {
    const { id, attempt, action, projectId, model } = execution;
    const stored = await this.database.transaction().execute(async (db) => {
      await this.store.insert(db, execution, idempotency);
      await this.events.emitSerial('execution.accepted', { execution, caller, db });
      return this.log.record(db, id, attempt, [
        { type: 'execution.queued', data: { action, projectId, model } },
      ]);
    });
    this.log.publish(stored);
  }
}
