/** Finds the kept answer of an execution, and keeps the answer of one that ran. */
import { Injectable, Logger } from '@nestjs/common';
import type { AgentEvent } from '../agents/agent-engine.js';
import type { Answer, Way } from '../cache/answer.js';
import { AnswerStore } from '../cache/answer-store.js';
import { CacheEvents, type CacheHit, type CacheMiss } from '../cache/cache-events.js';
import { type Question, Questions } from '../cache/questions.js';
import { Config } from '../config/config.js';
import { redactEvents } from '../redaction/redact-events.js';
import { Redactor } from '../redaction/redactor.js';
import { type Content, type Workspace, Workspaces } from '../workspaces/workspace.js';
import type { RecordedChanges } from './change-recorder.js';
import { EventLog } from './event-log.js';
import type { Execution } from './execution.js';
import type { AttemptResult } from './execution-ender.js';
import { accountOf } from './execution-response.js';

/** What is known, when an execution has its turn, of an answer to it. */
export interface Recall {
  question: Question;
  /** Whether somebody else has written to the workspace since. */
  disturbed: () => Promise<boolean>;
  answer?: Answer;
  /** Why there is none. */
  miss: CacheMiss;
}

/** What of an attempt decides whether its answer can be kept. */
export type Kept = AttemptResult & Pick<RecordedChanges, 'way' | 'alone'> & { reached?: boolean };

/** Events that are read at once. */
const PAGE = 500;

@Injectable()
export class AnswerRecorder {
  private readonly logger = new Logger('Cache');
  private readonly redactor: Redactor;

  constructor(
    private readonly questions: Questions,
    private readonly store: AnswerStore,
    private readonly workspaces: Workspaces,
    private readonly log: EventLog,
    private readonly events: CacheEvents,
    config: Config,
  ) {
    this.redactor = new Redactor(config.secrets);
  }

  /** The answer that can be given at once: it needs no look into the workspace to know that it fits. */
  known(execution: Execution, question: Question | undefined): Promise<Answer | undefined> {
    return this.orNone(execution, async () => {
      if (question?.mode !== 'auto' || question.kind === 'writes') return undefined;
      const content = await this.workspaces.known(execution.userId, execution.projectId);
      return content && this.find(question, content);
    });
  }

  /**
   * At the execution's turn; undefined when it runs without the cache. Looks into the workspace only if there is an answer
   * to the same question about some files.
   */
  recall(execution: Execution, workspace: Workspace): Promise<Recall | undefined> {
    return this.orNone(execution, async () => {
      const question = await this.questions.of(execution);
      if (question === undefined) return undefined;
      const disturbed = await this.workspaces.watch(workspace, 0);
      const recall = (miss: CacheMiss, answer?: Answer): Recall => ({ question, disturbed, miss, answer });
      if (question.mode === 'refresh') return recall('refresh');
      if (!(await this.store.has(question.name))) return recall('new');
      const content = await this.workspaces.content(workspace);
      if (content === undefined) return recall('writing');
      return recall('changed', await this.find(question, content));
    });
  }

  /**
   * Keeps what an attempt answered, if another one would have answered the same: it succeeded and is whole, and it is
   * certain what it could see.
   */
  async keep(
    { question, disturbed }: Recall,
    execution: Execution,
    workspace: Workspace,
    result: Kept,
  ): Promise<Answer | undefined> {
    if (result.answer !== undefined) return result.answer; // it is kept already
    const { outcome, error, changes, conversation } = result;
    if (error !== undefined || outcome?.complete !== true || result.reached === true) return undefined;
    return this.orNone(execution, async () => {
      const seen = await this.seen(question, workspace, result, disturbed);
      if (seen === undefined) return undefined;
      const events = await this.eventsOf(execution);
      if (events === undefined) return undefined;
      const { model } = accountOf(result.usage, execution.model);
      const answer = { events, outcome, changes, model, conversation, way: seen.way };
      return (await this.store.put(question.name, seen.content, answer)) ? answer : undefined;
    });
  }

  /** An answer was given from what is kept, or from another execution's. */
  hit(from: CacheHit): Promise<void> {
    return this.events.emit('hit', { from });
  }

  missed(reason: CacheMiss): Promise<void> {
    return this.events.emit('missed', { reason });
  }

  /** Whatever fails here, the execution does not fail for it: it runs, and its answer is not kept. */
  private async orNone<T>({ id }: Execution, work: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.logger.warn({ msg: 'the cache is left aside', executionId: id, err: error });
      return undefined;
    }
  }

  /** The name of what the agent saw, undefined when that is not certain, and its way from there. */
  private async seen(
    { kind }: Question,
    workspace: Workspace,
    { way, alone }: Kept,
    disturbed: () => Promise<boolean>,
  ): Promise<{ content: string; way?: Way } | undefined> {
    if (kind === 'writes') {
      // What a snapshot leaves out is not put in place with it.
      const isWhole = way?.before.skipped.length === 0 && way.after.skipped.length === 0;
      return alone === true && isWhole ? { content: way.before.tree, way } : undefined;
    }
    const content = await this.workspaces.content(workspace);
    if (content === undefined || (await disturbed())) return undefined;
    if (kind === 'reads') return { content: content.name };
    const { workspaceId, snapshot } = content;
    const ownWay = way ?? { workspaceId, before: snapshot, after: snapshot };
    return ownWay.before.tree === snapshot.tree ? { content: content.name, way: ownWay } : undefined;
  }

  /** What its agent said and did in its last attempt; undefined when that is more than an answer may have. */
  private async eventsOf({ id }: Execution): Promise<AgentEvent[] | undefined> {
    let events: AgentEvent[] = [];
    let bytes = 0;
    for (let after = 0; ;) {
      const page = await this.log.read(id, after, PAGE);
      for (const { type, data } of page) {
        if (type === 'execution.started') events = [];
        if (!type.startsWith('agent.')) continue;
        events.push({ type, data } as AgentEvent); // these are the types of the agent
        bytes += JSON.stringify(data).length;
        if (bytes > this.store.largest) return undefined;
      }
      const last = page.at(-1);
      if (last === undefined) return events;
      after = last.seq;
    }
  }

  private async find(question: Question, content: Content): Promise<Answer | undefined> {
    const answer = await this.store.find(question.name, content.name);
    return answer && this.redacted(answer);
  }

  /** By the secrets of now, not of when it was kept. */
  private async redacted({ events, way, conversation, ...rest }: Answer): Promise<Answer> {
    const clean = await Array.fromAsync(redactEvents(replayed(events), this.redactor));
    return { ...this.redactor.value(rest), events: clean, way, conversation };
  }
}

function* replayed(events: readonly AgentEvent[]): Generator<AgentEvent, void, void> {
  yield* events;
}
