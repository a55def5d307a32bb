/** Asks the housekeeper: one sandbox for each operation, so that the server itself never touches a workspace's files. */
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { SHORTAGE_RETRY_AFTER } from '../errors/shortage.js';
import { limitExceeded } from '../sandbox/limits/limit-exceeded.js';
import { type Sandbox, Sandboxes, type SandboxOrder, type SandboxWorkspace } from '../sandbox/sandbox.js';
import type { SandboxProgram } from '../sandbox/sandbox-program.js';
import type { Request } from './housekeeper/protocol.mts';
import { housekeeperProgram } from './housekeeper-program.js';
import { LatestSnapshots } from './latest-snapshots.js';
import { readAll, readLine } from './line-reader.js';
import { Stagings } from './stagings.js';
import { WorkspaceLease } from './workspace-lease.js';

/** Milliseconds for what is not paced by a client: 200 000 entries take a few seconds. */
const TIMEOUT = 120_000;
/** Milliseconds that a housekeeper gets to take back what it began. */
const GRACE = 2000;
/** Bytes of an answer's first line, and of all its lines. */
const HEAD_MAX = 4 * 1024 * 1024;
const ANSWER_MAX = 64 * 1024 * 1024;
/** Seconds. */
const RETRY_AFTER = 60;
/** Bytes of its complaints that are kept for the log. */
const COMPLAINT_MAX = 4096;

const FAILURE = z.object({
  ok: z.literal(false),
  code: z.enum(['E003', 'E004', 'E009', 'E010', 'E012', 'E015']),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});

type Operation = Request['op'];
/** Which operations change files, and which use the directory in which states are kept. */
const WRITING: ReadonlySet<Operation> = new Set([
  ...(['write', 'remove', 'unpack', 'clone', 'discard'] as const),
  ...(['transit', 'recover', 'drop', 'receive', 'evict'] as const),
]);
const KEEPING: ReadonlySet<Operation> = new Set([
  ...(['snapshot', 'changes', 'export', 'collect'] as const),
  ...(['transit', 'recover', 'copy', 'drop'] as const),
  ...(['send', 'receive', 'evict'] as const),
]);

interface AskOptions {
  /** Bytes that follow the request. */
  content?: Readable;
  /** Gives up, with its reason as the error; without, a content may take as long as its sender does. */
  signal?: AbortSignal;
  /** The way to granted hosts. */
  egressSocket?: string;
  /** Further host directories that it may write to. */
  writable?: SandboxOrder['writable'];
}

@Injectable()
export class Housekeeping {
  /** What is being made ready in workspaces; shown to nobody. */
  readonly stagings: Stagings;
  #program?: Promise<SandboxProgram>;

  /** What is known of their content while nobody writes. */
  readonly latest: LatestSnapshots;

  constructor(
    private readonly sandboxes: Sandboxes,
    private readonly config: Config,
    /** Who uses the files of which workspace. */
    readonly lease: WorkspaceLease,
  ) {
    this.stagings = new Stagings(config.workspaceState);
    this.latest = new LatestSnapshots(!config.shared);
  }

  /** Host directory of what is kept of a workspace's states; a copy of it shares it. */
  stateDirectory(workspaceId: string): string {
    return join(this.config.workspaceState, 'snapshots', workspaceId);
  }

  /**
   * Asks and returns the checked first line of the answer with the lines that follow it.
   * @throws ClaudeCodeError what the housekeeper refuses; E012; E015 when it would be too much; E099
   */
  async ask<T extends z.ZodType>(
    workspace: SandboxWorkspace,
    request: Request,
    shape: T,
    { content, signal, ...options }: AskOptions = {},
  ): Promise<{ head: z.infer<T>; lines: string[] }> {
    const { lost } = this.lease;
    const sandbox = await this.#start(workspace, request, options);
    const limit = signal ?? (content === undefined ? AbortSignal.timeout(TIMEOUT) : undefined);
    const letGo = endedBy(sandbox, limit, lost);
    const complaint = tail(sandbox.stderr);
    try {
      const [head, rest] = await Promise.all([
        readLine(sandbox.stdout, HEAD_MAX).then(
          async (line) => [line, await readAll(sandbox.stdout, ANSWER_MAX)] as const,
        ),
        feed(sandbox, content),
      ]).then(([answer]) => answer);
      const checkedHead = await checked(head, shape, sandbox, complaint);
      const { code } = await sandbox.exited;
      if (code !== 0) throw await silence(sandbox, complaint);
      return { head: checkedHead, lines: rest.split('\n').filter((line) => line !== '') };
    } catch (error) {
      throw saidBy(lost, limit) ?? error;
    } finally {
      letGo();
      await sandbox.end(GRACE);
    }
  }

  /**
   * Asks for bytes: resolves with the first line, the stream of what follows it, and a check for its end: the stream ends
   * alike when the housekeeper has failed.
   */
  async fetch<T extends z.ZodType>(
    workspace: SandboxWorkspace,
    request: Request,
    shape: T,
  ): Promise<{ head: z.infer<T>; content: Readable; mustBeWhole: () => Promise<void> }> {
    const { lost } = this.lease;
    const sandbox = await this.#start(workspace, request);
    void sandbox.exited.then(endedBy(sandbox, lost));
    const complaint = tail(sandbox.stderr);
    try {
      const head = await checked(await readLine(sandbox.stdout, HEAD_MAX), shape, sandbox, complaint);
      // A reader that goes away early ends the sandbox with it.
      sandbox.stdout.once(
        'close',
        () => void (sandbox.stdout.readableEnded ? exits(sandbox) : sandbox.end(0)),
      );
      const mustBeWhole = async () => {
        const { code } = await sandbox.exited;
        if (code !== 0) throw await silence(sandbox, complaint);
      };
      return { head, content: sandbox.stdout, mustBeWhole };
    } catch (error) {
      await sandbox.end(0);
      throw saidBy(lost) ?? error;
    }
  }

  /**
   * A longer talk: after the request comes `first`, the housekeeper says what it needs, is given that, and says how it went.
   * @throws what `given` throws; otherwise as `ask`
   */
  async exchange<T extends z.ZodType, U extends z.ZodType>(
    workspace: SandboxWorkspace,
    request: Request,
    talk: { first: Buffer; needs: T; given: (needs: z.infer<T>) => AsyncIterable<Buffer>; end: U },
    signal: AbortSignal,
  ): Promise<z.infer<U>> {
    const sandbox = await this.#start(workspace, request);
    const giveUp = () => void sandbox.end(0);
    signal.addEventListener('abort', giveUp);
    const complaint = tail(sandbox.stderr);
    const hear = async <S extends z.ZodType>(shape: S) =>
      checked(await readLine(sandbox.stdout, HEAD_MAX), shape, sandbox, complaint);
    let content: Readable | undefined;
    try {
      sandbox.stdin.write(talk.first);
      content = Readable.from(talk.given(await hear(talk.needs)), { objectMode: false });
      const fed = feed(sandbox, content, (error) => error);
      // Where both fail, the content's failure is the cause.
      return (await Promise.all([fed, hear(talk.end)]))[1];
    } finally {
      content?.destroy();
      signal.removeEventListener('abort', giveUp);
      await sandbox.end(GRACE);
    }
  }

  async #start(
    workspace: SandboxWorkspace,
    request: Request,
    { egressSocket, writable = [] }: Pick<AskOptions, 'egressSocket' | 'writable'> = {},
  ): Promise<Sandbox> {
    const { readOnly, argv } = await this.#programFor(workspace.uid);
    const state = { source: this.stateDirectory(workspace.id), target: '/state' };
    const sandbox = await this.sandboxes.start({
      workspace,
      access: WRITING.has(request.op) ? 'read-write' : 'read-only',
      argv,
      readOnly,
      writable: [...(KEEPING.has(request.op) ? [state] : []), ...writable],
      // A state is whole only with what the workspace's owner has closed to itself.
      ...(KEEPING.has(request.op) ? { readsEverything: true } : {}),
      ...(egressSocket === undefined ? {} : { egressSocket }),
    });
    const hidden = await this.stagings.of(workspace.id);
    sandbox.stdin.write(`${JSON.stringify({ ...request, hidden })}\n`);
    return sandbox;
  }

  /** Once for the life of the server: what one sandbox uid reaches, all do. */
  #programFor(uid: number | undefined): Promise<SandboxProgram> {
    this.#program ??= housekeeperProgram(this.config.dataDirectory, uid).catch((error: unknown) => {
      this.#program = undefined;
      throw new ClaudeCodeError('E012', 'the files cannot be reached now', {
        retryAfter: RETRY_AFTER,
        cause: error,
      });
    });
    return this.#program;
  }
}

/** Ends it when one of these is aborted, until it is told to let go. */
function endedBy(sandbox: Sandbox, ...signals: (AbortSignal | undefined)[]): () => void {
  const giveUp = () => void sandbox.end(0);
  const given = signals.filter((signal) => signal !== undefined);
  for (const signal of given) signal.addEventListener('abort', giveUp);
  if (given.some(({ aborted }) => aborted)) giveUp();
  return () => {
    for (const signal of given) signal.removeEventListener('abort', giveUp);
  };
}

/** Why it was given up, when one of these says so. */
const saidBy = (...signals: (AbortSignal | undefined)[]): ClaudeCodeError | undefined =>
  signals.map((signal): unknown => signal?.reason).find((reason) => reason instanceof ClaudeCodeError);

/** Lets a housekeeper that has said all it had to say exit by itself. */
async function exits(sandbox: Sandbox): Promise<void> {
  const late = setTimeout(() => void sandbox.end(0), GRACE);
  await sandbox.exited;
  clearTimeout(late);
}

/** The answer's first line, checked. */
async function checked<T extends z.ZodType>(
  line: string | undefined,
  shape: T,
  sandbox: Sandbox,
  complaint: Promise<string>,
): Promise<z.infer<T>> {
  if (line === undefined) throw await silence(sandbox, complaint);
  const answer: unknown = JSON.parse(line);
  const failure = FAILURE.safeParse(answer);
  if (failure.success) {
    const { code, message, details } = failure.data;
    const retryAfter = code === 'E012' ? SHORTAGE_RETRY_AFTER : undefined;
    throw new ClaudeCodeError(code, message, { details, retryAfter });
  }
  return shape.parse(answer);
}

/** Why there is no answer, or no whole one: killed for taking too long or too much memory, or a defect of its own. */
async function silence(sandbox: Sandbox, complaint: Promise<string>): Promise<ClaudeCodeError> {
  const { code, signal, exceeded } = await sandbox.exited;
  if (exceeded !== undefined) return limitExceeded(exceeded);
  const cause = new Error(`the housekeeper ended with ${signal ?? code}: ${await complaint}`);
  return signal === null
    ? new ClaudeCodeError('E099', 'the files could not be worked on', { cause })
    : new ClaudeCodeError('E015', 'the workspace is too large to be worked on', { cause });
}

const cutShort = (cause: unknown): Error =>
  new ClaudeCodeError('E003', 'the content ended before it was whole', { cause });

/**
 * Gives the housekeeper the content; ends early when the housekeeper does, which then says why.
 * @param meaning what it means when the content fails
 */
async function feed(
  sandbox: Sandbox,
  content: Readable | undefined,
  meaning: (error: unknown) => unknown = cutShort,
): Promise<void> {
  if (content === undefined) {
    sandbox.stdin.end();
    return;
  }
  content.pipe(sandbox.stdin);
  try {
    await Promise.race([finished(content, { writable: false }), sandbox.exited]);
  } catch (error) {
    throw meaning(error);
  } finally {
    content.unpipe(sandbox.stdin);
  }
}

async function tail(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text = (text + String(chunk)).slice(-COMPLAINT_MAX);
  return text;
}
