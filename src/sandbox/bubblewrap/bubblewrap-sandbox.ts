/** One running sandbox: bubblewrap as our child, the program inside it, and how both end. */
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import { PassThrough, pipeline, type Readable, type Writable } from 'node:stream';
import type { Confinement } from '../limits/limiter.js';
import { memoryBelow } from '../limits/process-tree.js';
import {
  type ExceededLimit,
  type Sandbox,
  type SandboxExit,
  SandboxGoneError,
  type WorkspaceAccess,
} from '../sandbox.js';
import type { JsonStatus } from './json-status.js';
import { processGone } from './process-gone.js';
import { mountReadOnly } from './read-only-mount.js';

/** Milliseconds that bubblewrap gets to notice that its sandbox was killed, before it is killed itself. */
const NOTICE = 1000;

/** What a shell, tini and bubblewrap add to a signal's number to make it an exit code. */
const SIGNAL_BASE = 128;
const SIGNAL_NAMES = new Map(
  Object.entries(constants.signals).map(([name, number]) => [SIGNAL_BASE + number, name as NodeJS.Signals]),
);

export interface BubblewrapProcess {
  bwrap: ChildProcess;
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  status: JsonStatus;
  confinement: Confinement;
}

export class BubblewrapSandbox implements Sandbox {
  readonly id = randomUUID();
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<SandboxExit>;
  readonly #bwrap: ChildProcess;
  readonly #status: JsonStatus;
  readonly #confinement: Confinement;
  readonly #employed = Promise.withResolvers<WorkspaceAccess>();
  #exceeded?: ExceededLimit;
  #over = false;
  #asked = false;

  constructor({ bwrap, stdin, stdout, stderr, status, confinement }: BubblewrapProcess) {
    this.stdin = stdin;
    this.stdout = kept(stdout);
    this.stderr = kept(stderr);
    this.#bwrap = bwrap;
    this.#status = status;
    this.#confinement = confinement;
    this.exited = new Promise((resolve) => {
      // 'exit', not 'close': a stream that somebody still holds open must not keep anyone waiting.
      bwrap.once('exit', (code, signal) => {
        this.#over = true;
        this.stdin.destroy();
        void this.#outcome(code, signal).then(resolve);
      });
    });
  }

  /** Host process id of the sandbox's first process; undefined before it is there. */
  get initPid(): number | undefined {
    return this.#status.childPid;
  }

  /** Resolves when the waiting is over. */
  get employed(): Promise<WorkspaceAccess> {
    return this.#employed.promise;
  }

  async employ(access: WorkspaceAccess): Promise<void> {
    const { childPid } = this.#status;
    if (this.#over || childPid === undefined)
      throw new SandboxGoneError('a sandbox that is gone cannot be employed');
    await Promise.all([
      this.#confinement.giveWay(false),
      access === 'read-only' ? mountReadOnly(childPid) : undefined,
    ]);
    this.#employed.resolve(access);
  }

  async memoryBytes(): Promise<number> {
    return this.#bwrap.pid === undefined || this.#over ? 0 : memoryBelow(this.#bwrap.pid);
  }

  /** Ends it at once for having passed a limit; the first one counts. */
  exceed(limit: ExceededLimit): void {
    this.#exceeded ??= limit;
    void this.end(0);
  }

  async end(graceMs: number): Promise<SandboxExit> {
    if (!this.#over) await this.#terminate(graceMs);
    const exit = await this.exited;
    // Whoever reads one comes to its end by itself, since no writer is left.
    for (const stream of [this.stdout, this.stderr]) if (stream.readableFlowing === null) stream.destroy();
    return exit;
  }

  async #terminate(graceMs: number): Promise<void> {
    if (graceMs > 0 && !this.#asked) {
      this.#asked = true;
      // To the init inside: TERM to bubblewrap itself would kill everything at once, without grace.
      this.#signalInit('SIGTERM');
    }
    const kill = setTimeout(() => this.#kill(), Math.max(0, graceMs));
    try {
      await this.exited;
    } finally {
      clearTimeout(kill);
    }
  }

  /** Kills the init, and with it, by the kernel, everything in its process namespace. */
  #kill(): void {
    this.#signalInit('SIGKILL');
    const impatience = setTimeout(() => this.#bwrap.kill('SIGKILL'), NOTICE);
    void this.exited.then(() => clearTimeout(impatience));
  }

  #signalInit(signal: NodeJS.Signals): void {
    const { childPid, exitCode } = this.#status;
    if (this.#over || exitCode !== undefined) return;
    if (childPid === undefined) {
      this.#bwrap.kill('SIGKILL');
      return;
    }
    try {
      process.kill(childPid, signal);
    } catch (error) {
      // It ended in this moment: what the signal was for.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  async #outcome(code: number | null, signal: NodeJS.Signals | null): Promise<SandboxExit> {
    const { childPid } = this.#status;
    // Somebody killed bubblewrap: the kernel kills the rest (`--die-with-parent`), but nobody here is told when.
    if (signal !== null && childPid !== undefined) await processGone(childPid);
    const inner = code === null ? signal : (SIGNAL_NAMES.get(code) ?? null);
    const exit = inner === null ? { code, signal: null } : { code: null, signal: inner };
    const exceeded = await this.#unconfined();
    return exceeded === undefined ? exit : { ...exit, exceeded };
  }

  /** The last look at the limits: the kernel may have ended the sandbox for one of them. */
  async #unconfined(): Promise<ExceededLimit | undefined> {
    const [last] = await Promise.allSettled([this.#confinement.exceeded()]);
    void this.#confinement.release(); // nobody waits for the kernel to let go of a cgroup
    return this.#exceeded ?? (last.status === 'fulfilled' ? last.value : undefined);
  }
}

/**
 * The same output, to be read whenever the reader likes: Node throws away what nobody has begun to read when a child
 * exits. A reader that stops early closes the child's end too; that is its own decision and no error.
 */
function kept(output: Readable): Readable {
  return pipeline(output, new PassThrough(), () => undefined);
}
