/** Carries out one attempt of an execution: claim, prepare, let the engine work, find the changes, end. */
import { Injectable, Logger } from '@nestjs/common';
import { type Span, SpanKind } from '@opentelemetry/api';
import pRetry from 'p-retry';
import type { AgentEvent, AgentOutcome, AgentPlace } from '../agents/agent-engine.js';
import type { AgentTask } from '../agents/agent-task.js';
import { AgentEngines } from '../agents/engines/agent-engines.js';
import { SingleAnswers } from '../agents/messages/single-answers.js';
import type { Answer } from '../cache/answer.js';
import { CommandCompiler } from '../commands/command-compiler.js';
import { Config } from '../config/config.js';
import { EgressGateway } from '../egress/egress-gateway.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { toClaudeCodeError } from '../errors/to-claude-code-error.js';
import { logContext } from '../logging/log-context.js';
import type { ModelRoute } from '../model-gateway/model-gateway.js';
import { Database } from '../persistence/database.js';
import { patiently } from '../persistence/patiently.js';
import { redactEvents } from '../redaction/redact-events.js';
import { Redactor } from '../redaction/redactor.js';
import { contextOf, inSpan, markFailed, tellSpan } from '../tracing/span.js';
import { noChanges, type Workspace, Workspaces } from '../workspaces/workspace.js';
import { ActiveExecutions } from './active-executions.js';
import { AnswerRecorder, type Kept, type Recall } from './answer-recorder.js';
import { ChangeRecorder } from './change-recorder.js';
import { Claims } from './claims.js';
import { Conversations } from './conversations.js';
import { DomainEvents } from './domain-events.js';
import { EventLog, FencedError } from './event-log.js';
import { EventWriter } from './event-writer.js';
import type { Execution } from './execution.js';
import { answered, type AttemptResult, ExecutionEnder } from './execution-ender.js';
import { ExecutionStore } from './execution-store.js';
import { Flights } from './flights.js';
import { HeldExecutions } from './held-executions.js';
import { Lifecycle } from './lifecycle.js';

interface Attempted extends AttemptResult {
  /** Keeps its answer for the next one who asks, if it can be kept. */
  keep?: () => Promise<Answer | undefined>;
}

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
    private readonly engines: AgentEngines,
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly events: DomainEvents,
    private readonly ender: ExecutionEnder,
    private readonly lifecycle: Lifecycle,
    private readonly recorder: ChangeRecorder,
    private readonly answers: AnswerRecorder,
    private readonly flights: Flights,
    private readonly conversations: Conversations,
    private readonly claims: Claims,
    private readonly held: HeldExecutions,
    private readonly singles: SingleAnswers,
    config: Config,
  ) {
    this.redactor = new Redactor(config.secrets);
  }

  /** Never rejects: whatever happens is the end of the execution, a defect is E099; what cannot be written is logged. */
  async run(executionId: string): Promise<void> {
    let answer: Answer | undefined;
    try {
      // Registered before the claim, so that a cancel finds it at every moment.
      await this.active.during(executionId, async (ending) => {
        answer = await this.carryOut(executionId, ending);
      });
    } catch (error) {
      this.logger.error({ msg: 'left to the next start: it could not be written', executionId, err: error });
    }
    await this.flights.land(executionId, answer);
  }

  /** @returns the answer that it was kept with, if it was */
  private async carryOut(executionId: string, ending: AbortController): Promise<Answer | undefined> {
    const execution = await this.claim(executionId);
    if (execution === undefined) return undefined; // cancelled while it waited
    return logContext.run({ executionId, requestId: execution.requestId }, () =>
      inAttemptSpan(execution, async (span) => {
        const { keep, ...result } = await this.attempt(execution, ending);
        if (result.error !== undefined) markFailed(span, result.error.code);
        const isCutShort = this.lifecycle.stopping && result.error?.code === 'E012';
        if (isCutShort && (await this.claims.handBack(execution))) return undefined;
        if (result.error !== undefined) this.report(result.error);
        // The caller does not wait for what is done for the next one.
        return (await inSpan('execution.end', {}, () => this.ender.end(execution, result))) && keep?.();
      }),
    );
  }

  /** An accepted execution must run: while the database refuses, the claim is tried again, at most 5 s apart. */
  private claim(executionId: string): Promise<Execution | undefined> {
    return pRetry(() => this.claims.claim(executionId), {
      signal: this.lifecycle.lastChance,
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 100,
      maxTimeout: 5000,
      onFailedAttempt: ({ error }) =>
        this.logger.error({ msg: 'cannot claim; trying again', executionId, err: error }),
    });
  }

  private async attempt(execution: Execution, ending: AbortController): Promise<Attempted> {
    const result: Kept & Attempted = { usage: {}, changes: noChanges() };
    let timer: NodeJS.Timeout | undefined;
    try {
      const task = this.compiler.compile(execution.request, execution.engine);
      timer = setTimeout(() => ending.abort(timedOut(task.limits.timeoutMs)), task.limits.timeoutMs);
      const workspace = await this.workspaces.open(execution.userId, execution.projectId);
      // Whoever has an answer already needs no other one.
      const recall =
        execution.parcelId === undefined ? await this.answers.recall(execution, workspace) : undefined;
      if (recall !== undefined) result.keep = () => this.answers.keep(recall, execution, workspace, result);
      ending.signal.throwIfAborted();
      const given = recall && (await this.give(execution, workspace, recall));
      if (given !== undefined) return Object.assign(result, given);
      const work = async (place: Workspace, mayAct: () => Promise<void>) =>
        Object.assign(result, await this.work(execution, { task, workspace: place, mayAct }, ending));
      if (task.access === 'read-only')
        await this.workspaces.reading(workspace, () => work(workspace, () => Promise.resolve()));
      else Object.assign(result, await this.recorder.record(execution, workspace, work));
    } catch (error) {
      result.error ??= asEnd(error, ending.signal);
    } finally {
      clearTimeout(timer);
    }
    return result;
  }

  /** Gives the answer that is kept; undefined when there is none, or its changes do not fit any more. */
  private async give(
    execution: Execution,
    workspace: Workspace,
    { question, answer, miss }: Recall,
  ): Promise<AttemptResult | undefined> {
    if (answer === undefined) {
      await this.answers.missed(miss);
      return undefined;
    }
    try {
      const backup =
        question.kind === 'writes' && answer.way !== undefined
          ? await this.recorder.reapply(execution, workspace, answer.way)
          : await this.recorder.adopt(execution.id, answer);
      await this.answers.hit('kept');
      return { ...answered(answer), ...backup };
    } catch (error) {
      if (!(error instanceof ClaudeCodeError) || !['E009', 'E010'].includes(error.code)) throw error;
      await this.answers.missed('conflict');
      return undefined;
    }
  }

  /** The engine's part, with its way to granted hosts open around it. Failures are answered, not thrown. */
  private async work(
    execution: Execution,
    { task, workspace, mayAct }: { task: AgentTask; workspace: Workspace; mayAct: () => Promise<void> },
    ending: AbortController,
  ): Promise<Pick<Kept, 'outcome' | 'error' | 'usage' | 'reached' | 'conversation'>> {
    const writer = new EventWriter(this.log, execution.id, execution.attempt, (error) => ending.abort(error));
    // The place is provided meanwhile, and the agent reads its task; the model is not asked before the start is recorded.
    const begun = this.begin(execution);
    begun.catch(() => undefined);
    let place: AgentPlace | undefined;
    let reached = false;
    await using ways = new AsyncDisposableStack();
    try {
      // Where nothing was granted there is nothing that could be asked for it.
      const egress = await this.egress.openGranted({
        userId: execution.userId,
        projectId: execution.projectId,
        executionId: execution.id,
        uid: workspace.uid,
      });
      ways.defer(() => egress?.close());
      reached = egress !== undefined;
      const before = await this.conversations.before(execution);
      const engine = this.engines.get(task.engine);
      const order = { task, workspace, egress, conversation: before };
      const given = await this.held.answerOf(execution);
      place = await inSpan('engine.start', { attributes: { 'caisson.engine': engine.name } }, () =>
        given === undefined ? engine.take(order) : this.singles.carryOut(order, given),
      );
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
      return { outcome, usage: place.route.usage(), reached, conversation };
    } catch (error) {
      return { error: asEnd(error, ending.signal, place?.route), usage: place?.route.usage() ?? {} };
    } finally {
      await Promise.allSettled([begun]);
      await place?.close();
      await writer.close();
    }
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

/** Goes on in the trace of the submission, wherever that was: the time it waited, and this attempt. */
function inAttemptSpan<T>(execution: Execution, work: (span: Span) => Promise<T>): Promise<T> {
  const { id, attempt, createdAt, action, access, priority, model } = execution;
  const parent = contextOf(execution.traceparent);
  const attributes = { 'caisson.execution.id': id, 'caisson.execution.priority': priority };
  const startedAt = execution.startedAt ?? createdAt;
  // A further attempt waited from when the one before was lost, which nobody noted.
  if (attempt === 1)
    tellSpan('execution.wait', {
      parent,
      attributes,
      startTime: createdAt,
      endTime: Math.max(createdAt, startedAt),
    });
  return inSpan(
    'execution.attempt',
    {
      kind: SpanKind.CONSUMER,
      parent,
      attributes: {
        ...attributes,
        'caisson.execution.attempt': attempt,
        'caisson.action': action,
        'caisson.access': access,
        'gen_ai.request.model': model,
      },
    },
    work,
  );
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
