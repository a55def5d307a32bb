/** One task with an agent in a sandbox of its own: the agent is asked until its answer has the form that is wanted. */
import { posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ContentBlock } from '@agentclientprotocol/sdk';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { ModelRoute } from '../../model-gateway/model-gateway.js';
import type { Redactor } from '../../redaction/redactor.js';
import { limitExceeded } from '../../sandbox/limits/limit-exceeded.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { AgentEvent, AgentOutcome, AgentPlace, AgentRun } from '../agent-engine.js';
import type { AgentTask } from '../agent-task.js';
import { OutputLimit, type OutputLimits } from '../output-limit.js';
import { shapeProblem } from '../shape.js';
import { StderrTail } from '../stderr-tail.js';
import { AcpSession, type Turn } from './acp-session.js';
import type { Conversation } from './conversation.js';
import { objectIn, promptOf, reminder } from './prompt.js';

/** Milliseconds between TERM and KILL when an agent is stopped: what it may use to put down what it holds. */
const GRACE_MS = 5000;
/** Times that an agent which forgets the form of its answer is reminded. */
const REMINDERS = 2;

export interface PlaceParts {
  task: AgentTask;
  route: ModelRoute;
  sandbox: Sandbox;
  output: OutputLimits;
  /** As the agent calls it; undefined: the one in which it begins. */
  mode?: string;
  conversation: Conversation;
  keep: { maxBytes: number; redactor: Redactor };
  /** Told the agent's version, once it has introduced itself. */
  onVersion: (version: string) => void;
}

export class AcpPlace implements AgentPlace {
  private readonly session: AcpSession;
  private readonly output: OutputLimit;
  private readonly stderr = new StderrTail();
  private readonly said: Promise<void>;
  private closing?: Promise<ClaudeCodeError | undefined>;
  private stopped = false;

  constructor(private readonly parts: PlaceParts) {
    const { sandbox, output, task } = parts;
    this.output = new OutputLimit(output);
    // A flood can only be stopped at its source: no grace.
    pipeline(sandbox.stdout, this.output).catch(() => sandbox.end(0));
    this.said = pipeline(sandbox.stderr, this.stderr).catch(() => undefined); // a pipe that broke: what came is kept
    sandbox.stdin.on('error', () => undefined); // the end of the process, which its output tells as well
    this.session = new AcpSession({
      ...{ input: sandbox.stdin, output: this.output, lineBytes: output.lineBytes },
      directory: posix.join('/workspace', task.workingDirectory === '.' ? '' : task.workingDirectory),
      tools: task.tools,
      mode: parts.mode,
    });
  }

  get route(): ModelRoute {
    return this.parts.route;
  }

  async *run({ signal, mayAct }: AgentRun): AsyncGenerator<AgentEvent, AgentOutcome, void> {
    const stop = () => this.stop();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    try {
      this.output.awaitOutput();
      const version = await this.session.ready();
      if (version !== undefined) this.parts.onVersion(version);
      // The agent may act without asking anybody, so nothing is asked of it before.
      await mayAct();
      const outcome = yield* this.converse();
      const exceeded = await this.end();
      if (exceeded !== undefined) throw exceeded;
      return outcome;
    } catch (error) {
      throw await this.explain(error);
    } finally {
      signal.removeEventListener('abort', stop);
      await this.end();
    }
  }

  conversation(): Buffer | undefined {
    const { conversation, keep } = this.parts;
    return conversation.content(keep.maxBytes, keep.redactor);
  }

  async close(): Promise<void> {
    await this.end();
  }

  private async *converse(): AsyncGenerator<AgentEvent, AgentOutcome, void> {
    const { task, conversation } = this.parts;
    const { outputSchema } = task;
    let prompt = promptOf(task, conversation.told);
    for (let reminded = 0; ; reminded += 1) {
      const turn = yield* this.turn(prompt);
      this.mustHaveEnded(turn);
      const { text, stopReason } = turn;
      const complete = stopReason === 'end_turn';
      if (outputSchema === undefined) return { text, complete };
      const structured = objectIn(text);
      const problem =
        structured === undefined ? 'It holds no JSON object.' : shapeProblem(structured, outputSchema);
      if (structured !== undefined && problem === undefined) return { text, structured, complete };
      if (reminded === REMINDERS)
        throw new ClaudeCodeError('E005', 'The agent gave no answer of the form that was asked for.');
      prompt = reminder(problem ?? '');
    }
  }

  private async *turn(prompt: ContentBlock[]): AsyncGenerator<AgentEvent, Turn, void> {
    const events = this.session.turn(prompt);
    for (;;) {
      const next = await events.next();
      if (next.done === true) return next.value;
      this.parts.conversation.hear(next.value);
      yield next.value;
    }
  }

  /** @throws ClaudeCodeError E005 when the model's service failed it, or it says itself that it did not finish; E011 */
  private mustHaveEnded({ stopReason }: Turn): void {
    // Agents tell a failure of the model's service as their answer.
    const failure = this.route.failure();
    if (failure !== undefined) throw new ClaudeCodeError('E005', failure.message);
    if (stopReason === 'max_turn_requests')
      throw new ClaudeCodeError('E011', 'The agent used up the turns that it gives itself.');
    if (stopReason === 'cancelled' || stopReason === 'refusal')
      throw new ClaudeCodeError('E005', 'The agent could not finish.', { details: { reason: stopReason } });
  }

  /** What really went wrong, behind the connection's error: too much output, a limit, or an agent that crashed. */
  private async explain(error: unknown): Promise<unknown> {
    const exceeded = await this.end();
    if (this.output.errored instanceof ClaudeCodeError) return this.output.errored;
    if (exceeded !== undefined) return exceeded;
    if (error instanceof ClaudeCodeError) return error;
    await this.said;
    const cause = new Error(`the agent failed; its standard error ended with:\n${this.stderr.toString()}`, {
      cause: error,
    });
    return new ClaudeCodeError('E005', 'The agent stopped without an answer.', { cause });
  }

  private stop(): void {
    this.stopped = true;
    this.session.cancel();
    void this.parts.sandbox.end(GRACE_MS);
  }

  private end(): Promise<ClaudeCodeError | undefined> {
    return (this.closing ??= this.leave());
  }

  private async leave(): Promise<ClaudeCodeError | undefined> {
    const { sandbox, route } = this.parts;
    const { exceeded } = await sandbox.end(this.stopped ? GRACE_MS : 0);
    this.session.close();
    await route.close();
    return exceeded && limitExceeded(exceeded);
  }
}
