/** Writes the one end of an execution: row, last events, usage and audit in a single transaction, then publishes. */
import { Injectable, Logger } from '@nestjs/common';
import pRetry from 'p-retry';
import type { AgentOutcome } from '../agents/agent-engine.js';
import type { Answer, Way } from '../cache/answer.js';
import { CommandRegistry } from '../commands/command-registry.js';
import type { ClaudeCodeError } from '../errors/claude-code.error.js';
import type { UsageByModel } from '../model-gateway/model-gateway.js';
import { Database, type Queryable } from '../persistence/database.js';
import { type ChangeSet, noChanges } from '../workspaces/workspace.js';
import { Conversations } from './conversations.js';
import { DomainEvents } from './domain-events.js';
import { EventLog } from './event-log.js';
import type { Execution } from './execution.js';
import type { Fact, RecordedEvent } from './execution-event.js';
import { responseOf } from './execution-response.js';
import { endOf } from './execution-state.js';
import { type End, ExecutionStore } from './execution-store.js';
import { Lifecycle } from './lifecycle.js';

/** What an attempt has to show when it ends: an outcome or an error. */
export interface AttemptResult {
  outcome?: AgentOutcome;
  error?: ClaudeCodeError;
  usage: UsageByModel;
  changes: ChangeSet;
  /** Id of the snapshot that `options.backup` asked for. */
  backup?: string;
  /** Where the outcome is from, when nothing ran. */
  answer?: Answer;
  /** As `Conversations.pack` made it. */
  conversation?: string;
}

/** Of one that is given a kept answer. */
export const answered = (answer: Answer): AttemptResult => ({
  outcome: answer.outcome,
  usage: {},
  changes: answer.changes,
  conversation: answer.conversation,
  answer,
});

/** Of an execution that never ran. */
export const nothingDone = (error: ClaudeCodeError): AttemptResult => ({
  error,
  usage: {},
  changes: noChanges(),
});

/** An end that is written, and not told to anybody yet. */
export interface WrittenEnd {
  execution: Execution;
  usage: UsageByModel;
  events: RecordedEvent[];
}

/** An end must be written: while the database refuses (full disk, locked), it is tried again, at most this far apart. */
const RETRY = { retries: Number.POSITIVE_INFINITY, minTimeout: 100, maxTimeout: 5000, factor: 2 } as const;

@Injectable()
export class ExecutionEnder {
  private readonly logger = new Logger('Execution');

  constructor(
    private readonly store: ExecutionStore,
    private readonly conversations: Conversations,
    private readonly commands: CommandRegistry,
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly events: DomainEvents,
    private readonly lifecycle: Lifecycle,
  ) {}

  /**
   * Answers the ended execution, or undefined when this attempt is not the one that may end it.
   * @throws Error when the server stops while the database still refuses: the next start ends it as E014
   */
  async end(execution: Execution, result: AttemptResult): Promise<Execution | undefined> {
    return (await this.endAll([execution], result))[0];
  }

  /** Ends many with the same result, in one transaction; answers those that this has ended. */
  async endAll(executions: readonly Execution[], result: AttemptResult): Promise<Execution[]> {
    const stored = await pRetry(() => this.write(executions, result), {
      ...RETRY,
      signal: this.lifecycle.lastChance,
      onFailedAttempt: ({ error }) =>
        this.logger.error({
          msg: 'the end could not be written; trying again',
          executionId: executions[0]?.id,
          err: error,
        }),
    });
    const endedIds = new Set(stored.map(({ execution }) => execution.id));
    for (const { id } of executions.filter((one) => !endedIds.has(one.id)))
      this.logger.warn({ msg: 'the end came too late: fenced off', executionId: id });
    for (const ended of stored) await this.settle(ended);
    return stored.map(({ execution }) => execution);
  }

  /** Writes an end within the caller's transaction; after its commit the caller lets it `settle`. Undefined: fenced off. */
  async record(db: Queryable, execution: Execution, result: AttemptResult): Promise<WrittenEnd | undefined> {
    const { usage, changes, answer, conversation } = result;
    const ended = { ...execution, ...endingOf(execution, result, this.commands) };
    if (answer !== undefined) await this.store.advance(db, execution, 'running');
    if (!(await this.store.end(db, ended, ended))) return undefined;
    if (changes.files.length > 0 || changes.directories !== undefined)
      await this.store.saveChanges(db, ended.id, changes);
    if (conversation !== undefined && ended.status === 'succeeded')
      await this.conversations.keep(db, ended.id, conversation);
    await this.events.emitSerial('execution.ended', { execution: ended, usage, db });
    const facts = [...(answer === undefined ? [] : answerFacts(ended, answer)), ...lastFacts(ended, changes)];
    return { execution: ended, usage, events: await this.log.record(db, ended.id, ended.attempt, facts) };
  }

  /** Lets readers and observers know. */
  async settle({ execution, usage, events }: WrittenEnd): Promise<void> {
    this.log.publish(events);
    await this.events.emitSerial('execution.settled', { execution, usage });
  }

  private write(executions: readonly Execution[], result: AttemptResult): Promise<WrittenEnd[]> {
    return this.database.transaction().execute(async (db) => {
      const stored = [];
      for (const execution of executions) stored.push(await this.record(db, execution, result));
      return stored.filter((ended) => ended !== undefined);
    });
  }
}

function endingOf(execution: Execution, result: AttemptResult, commands: CommandRegistry): End {
  const { outcome, usage, changes, backup, answer } = result;
  const error = result.error?.toBody();
  // The wall clock may have been set back meanwhile: nothing ends before it began.
  const endedAt = Math.max(Date.now(), execution.startedAt ?? execution.createdAt);
  const command = commands.get(execution.action);
  return {
    status: error === undefined ? 'succeeded' : endOf(error.code),
    errorCode: error?.code,
    endedAt,
    response: responseOf({ execution, command, endedAt, usage, changes, backup, outcome, error, answer }),
    ...(answer?.way === undefined ? {} : treesOf(answer.way)),
  };
}

const treesOf = ({ before, after }: Way): Pick<Execution, 'treeBefore' | 'treeAfter'> => ({
  treeBefore: before.tree,
  treeAfter: after.tree,
});

/** As if it had run: its start, and what its agent said and did. */
const answerFacts = ({ attempt, engine, access }: Execution, { events }: Answer): Fact[] => [
  { type: 'execution.started', data: { attempt, engine, access } },
  ...events,
];

function lastFacts(ended: Execution & End, changes: ChangeSet): Fact[] {
  // A dry run changes nothing: its files are in the response only.
  const isDry = ended.request.options?.dryRun === true;
  const changed = isDry ? [] : changes.files.map(({ path, action, size }) => ({ path, action, size }));
  return [
    ...(changed.length > 0 ? [{ type: 'workspace.changed' as const, data: { files: changed } }] : []),
    { type: 'execution.finished', data: { status: ended.status, response: ended.response } },
  ];
}
