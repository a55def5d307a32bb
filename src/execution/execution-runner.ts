/** Carries out one attempt of an execution: claim, prepare, let the engine work, find the changes, end. */
import { Injectable, Logger } from '@nestjs/common';
import pRetry from 'p-retry';
import { AgentEngine, type AgentEvent, type AgentOutcome, type AgentPlace } from '../agents/agent-engine.js';
import type { AgentTask } from '../agents/agent-task.js';
import { CommandCompiler } from '../commands/command-compiler.js';
import { Config } from '../config/config.js';
import { EgressGateway, type EgressRoute } from '../egress/egress-gateway.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { toClaudeCodeError } from '../errors/to-claude-code-error.js';
import { logContext } from '../logging/log-context.js';
import type { ModelRoute } from '../model-gateway/model-gateway.js';
import { Database } from '../persistence/database.js';
import { patiently } from '../persistence/patiently.js';
import { redactEvents } from '../redaction/redact-events.js';
import { Redactor } from '../redaction/redactor.js';
import { noChanges, type Workspace, Workspaces } from '../workspaces/workspace.js';
import { ActiveExecutions } from './active-executions.js';
import { ChangeRecorder } from './change-recorder.js';
import { Conversations } from './conversations.js';
import { DomainEvents } from './domain-events.js';
import { EventLog, FencedError } from './event-log.js';
import { EventWriter } from './event-writer.js';
import type { Execution } from './execution.js';
import { type AttemptResult, ExecutionEnder } from './execution-ender.js';
import { ExecutionStore } from './execution-store.js';
import { Lifecycle } from './lifecycle.js';

@Injectable()
export class ExecutionRunner {
  private readonly logger = new Logger('Execution');
  private readonly redactor: Redactor;

  constructor(
    private readonly store: ExecutionStore,
    private readonly active: ActiveExecutions,
    private readonly compiler: CommandCompiler,
    private readonly workspaces: Workspaces,
    private readonly egress: EgressGateway,
    private readonly engine: AgentEngine,
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly events: DomainEvents,
    private readonly ender: ExecutionEnder,
    private readonly lifecycle: Lifecycle,
    private readonly recorder: ChangeRecorder,
    private readonly conversations: Conversations,
    config: Config,
  ) {
    this.redactor = new Redactor(config.secrets);
  }

  /** Never rejects: whatever happens is the end of the execution, a defect is E099; what cannot be written is logged. */
  async run(executionId: string): Promise<void> {
    try {
      // Registered before the claim, so that a cancel finds it at every moment.
      await this.active.during(executionId, (ending) => this.carryOut(executionId, ending));
    } catch (error) {
      this.logger.error({ msg: 'left to the next start: it could not be written', executionId, err: error });
    }
  }

  private async carryOut(executionId: string, ending: AbortController): Promise<void> {
    const execution = await this.claim(executionId);
    if (execution === undefined) return; // cancelled while it waited
    await logContext.run({ executionId, requestId: execution.requestId }, async () => {
      const result = await this.attempt(execution, ending);
      if (result.error !== undefined) this.report(result.error);
      await this.ender.end(execution, result);
    });
  }

  /** An accepted execution must run: while the database refuses, the claim is tried again, at most 5 s apart. */
  private claim(executionId: string): Promise<Execution | undefined> {
    return pRetry(() => this.store.claim(executionId), {
      signal: this.lifecycle.lastChance,
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 100,
      maxTimeout: 5000,
      onFailedAttempt: ({ error }) =>
        this.logger.error({ msg: 'cannot claim; trying again', executionId, err: error }),
    });
  }

  private async attempt(execution: Execution, ending: AbortController): Promise<AttemptResult> {
    const result: AttemptResult = { usage: {}, changes: noChanges() };
    let timer: NodeJS.Timeout | undefined;
    try {
      const task = this.compiler.compile(execution.request);
      timer = setTimeout(() => ending.abort(timedOut(task.limits.timeoutMs)), task.limits.timeoutMs);
      const workspace = await this.workspaces.open(execution.userId, execution.projectId);
      const work = async (place: Workspace, mayAct: () => Promise<void>) =>
        Object.assign(result, await this.work(execution, { task, workspace: place, mayAct }, ending));
      if (task.access === 'read-only') await work(workspace, () => Promise.resolve());
      else Object.assign(result, await this.recorder.record(execution, workspace, work));
    } catch (error) {
      result.error ??= asEnd(error, ending.signal);
    } finally {
      clearTimeout(timer);
    }
    return result;
  }

  /** The engine's part, with its way to granted hosts open around it. Failures are answered, not thrown. */
  private async work(
    execution: Execution,
    { task, workspace, mayAct }: { task: AgentTask; workspace: Workspace; mayAct: () => Promise<void> },
    ending: AbortController,
  ): Promise<Pick<AttemptResult, 'outcome' | 'error' | 'usage' | 'conversation'>> {
    const writer = new EventWriter(this.log, execution.id, execution.attempt, (error) => ending.abort(error));
    // The place is provided meanwhile, and the agent reads its task; the model is not asked before the start is recorded.
    const begun = this.begin(execution);
    begun.catch(() => undefined);
    let place: AgentPlace | undefined;
    await using ways = new AsyncDisposableStack();
    try {
      const egress = await this.openEgress(execution, workspace);
      ways.defer(() => egress?.close());
      const before = await this.conversations.before(execution);
      place = await this.engine.take({ task, workspace, egress, conversation: before });
      place.route.bind({
        executionId: execution.id,
        maxOutputTokens: task.limits.maxOutputTokens,
        onUsage: (models) => void writer.write({ type: 'usage.updated', data: { models } }),
        after: begun,
      });
      const { signal } = ending;
      const run = place.run({ signal, mayAct: () => orEnd(mayAct(), ending) });
      await begun;
      signal.throwIfAborted();
      const outcome = await this.follow(execution, run, writer);
      signal.throwIfAborted();
      const said = place.conversation();
      const conversation = said && (await this.conversations.pack(said));
      return { outcome, usage: place.route.usage(), conversation };
    } catch (error) {
      return { error: asEnd(error, ending.signal, place?.route), usage: place?.route.usage() ?? {} };
    } finally {
      await Promise.allSettled([begun]);
      await place?.close();
      await writer.close();
    }
  }

  /** Where nothing was granted there is nothing that could be asked for it. */
  private async openEgress(
    { id: executionId, userId, projectId }: Execution,
    { uid }: Workspace,
  ): Promise<EgressRoute | undefined> {
    const hosts = await this.egress.grantsOf(userId, projectId);
    return hosts.length === 0 ? undefined : this.egress.open({ userId, projectId, executionId, uid, hosts });
  }

  private async begin(execution: Execution): Promise<void> {
    const { id, attempt, engine, access } = execution;
    const stored = await patiently(() =>
      this.database.transaction().execute(async (db) => {
        if (!(await this.store.advance(db, execution, 'running'))) throw new FencedError(id, attempt);
        return this.log.record(db, id, attempt, [
          { type: 'execution.started', data: { attempt, engine, access } },
        ]);
      }),
    );
    this.log.publish(stored);
    const startedAt = execution.startedAt ?? execution.createdAt;
    await this.events.emitSerial('execution.started', {
      execution,
      waitedMs: Math.max(0, startedAt - execution.createdAt),
    });
  }

  private async follow(
    execution: Execution,
    events: AsyncGenerator<AgentEvent, AgentOutcome, void>,
    writer: EventWriter,
  ): Promise<AgentOutcome> {
    const run = redactEvents(events, this.redactor);
    const begun = performance.now();
    let spoke = false;
    for (;;) {
      const next = await run.next();
      if (next.done === true) return next.value;
      await writer.write(next.value);
      if (!spoke && next.value.type === 'agent.text') {
        spoke = true;
        await this.events.emitSerial('execution.first-token', {
          execution,
          afterMs: performance.now() - begun,
        });
      }
    }
  }

  private report(error: ClaudeCodeError): void {
    const level = error.code === 'E099' ? 'error' : 'warn';
    this.logger[level]({ msg: 'execution failed', code: error.code, err: error.cause ?? error });
  }
}

/** What the agent may not do without, failing, ends the execution: the agent itself would only try again. */
async function orEnd<T>(needed: Promise<T>, ending: AbortController): Promise<T> {
  try {
    return await needed;
  } catch (error) {
    ending.abort(error);
    throw error;
  }
}

const timedOut = (timeoutMs: number) =>
  new ClaudeCodeError('E001', `The time limit of ${timeoutMs} ms ended it.`);

/**
 * Why an attempt ended: the first cause that was given for its end, else what the model's service did, else the error
 * itself; anything that is not of the catalogue is a defect.
 */
function asEnd(error: unknown, signal: AbortSignal, route?: ModelRoute): ClaudeCodeError {
  const cause: unknown = signal.aborted ? signal.reason : error;
  const failure = signal.aborted ? undefined : route?.failure();
  if (failure !== undefined)
    return new ClaudeCodeError(failure.code, failure.message, {
      retryAfter: failure.retryAfter,
      cause: error,
    });
  return toClaudeCodeError(cause);
}
