/** The sandbox in which the agent's file tools run: started with the task, asked one thing after the other. */
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import { limitExceeded } from '../../sandbox/limits/limit-exceeded.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import { readLine } from '../../workspaces/line-reader.js';
import { StderrTail } from '../stderr-tail.js';
import type { CallAnswer, Request, Survey } from './workbench/protocol.mts';

/** Milliseconds that it gets to end the step it is in: writing a file. */
const GRACE = 500;
/** Bytes of one answer: above any that its limits allow, as JSON. */
const ANSWER_MAX = 16 * 1024 * 1024;
/** Milliseconds for the first look, which counts up to 50 000 entries. */
const SURVEY_TIMEOUT = 30_000;

const SURVEY = z.object({
  entries: z.number(),
  bytes: z.number(),
  whole: z.boolean(),
  map: z.string(),
  files: z.array(
    z.object({ path: z.string(), content: z.string().optional(), problem: z.string().optional() }),
  ),
});
const CALL = z.object({ output: z.string(), isError: z.boolean() });

interface Running {
  sandbox: Sandbox;
  complaint: StderrTail;
}

export class Workbench {
  private running?: Promise<Running>;
  private closed = false;

  /**
   * @param start starts its sandbox, again after a tool that took too long
   * @param toolTimeoutMs milliseconds for one tool
   */
  constructor(
    private readonly start: () => Promise<Sandbox>,
    private readonly toolTimeoutMs: number,
  ) {
    // Begun at once: it stands when the model has thought. Who asks first is told when there is none.
    void this.stand().catch(() => undefined);
  }

  /** Resolves when it runs. @throws ClaudeCodeError E012 */
  async ready(): Promise<void> {
    await this.stand();
  }

  /** @throws ClaudeCodeError E012, E015 */
  async survey(request: Omit<Extract<Request, { op: 'survey' }>, 'op'>): Promise<Survey> {
    const survey = await this.ask({ op: 'survey', ...request }, SURVEY, SURVEY_TIMEOUT);
    if (survey === undefined)
      throw new ClaudeCodeError('E015', 'The workspace is too large to be looked over.', {
        details: { limit: 'time', milliseconds: SURVEY_TIMEOUT },
      });
    return survey;
  }

  /** What goes wrong within the tool is its answer. @throws ClaudeCodeError E012, E015 */
  async call(request: Omit<Extract<Request, { op: 'call' }>, 'op'>): Promise<CallAnswer> {
    const answer = await this.ask({ op: 'call', ...request }, CALL, this.toolTimeoutMs);
    const late = `Error: it took longer than ${this.toolTimeoutMs} ms and was ended: ask for less`;
    return answer ?? { output: late, isError: true };
  }

  /**
   * Resolves when nothing of it is alive.
   * @returns the limit that its sandbox passed, if it did
   */
  async end(): Promise<ClaudeCodeError | undefined> {
    this.closed = true;
    const running = await this.running?.catch(() => undefined);
    const exit = await running?.sandbox.end(GRACE);
    return exit?.exceeded && limitExceeded(exit.exceeded);
  }

  private stand(): Promise<Running> {
    if (this.closed) return Promise.reject(new Error('the workbench was closed'));
    return (this.running ??= this.start().then((sandbox) => {
      const complaint = new StderrTail();
      // A pipe that breaks: what came is kept.
      pipeline(sandbox.stderr, complaint).catch(() => undefined);
      return { sandbox, complaint };
    }));
  }

  /** Undefined when it took too long: its sandbox is gone then, and the next one gets a new one. */
  private async ask<T extends z.ZodType>(
    request: Request,
    shape: T,
    timeoutMs: number,
  ): Promise<z.infer<T> | undefined> {
    const { sandbox, complaint } = await this.stand();
    const limit = AbortSignal.timeout(timeoutMs);
    const giveUp = () => void sandbox.end(0);
    limit.addEventListener('abort', giveUp);
    try {
      sandbox.stdin.write(`${JSON.stringify(request)}\n`);
      const line = await readLine(sandbox.stdout, ANSWER_MAX);
      if (line !== undefined) return shape.parse(JSON.parse(line));
    } finally {
      limit.removeEventListener('abort', giveUp);
    }
    const { exceeded, code, signal } = await sandbox.exited;
    this.running = undefined;
    if (exceeded !== undefined) throw limitExceeded(exceeded);
    if (limit.aborted) return undefined;
    throw new ClaudeCodeError('E099', 'The file tools stopped.', {
      cause: new Error(`the workbench ended with ${signal ?? code}: ${complaint.toString()}`),
    });
  }
}
