/** The CLI's process as the Agent SDK wants to see it, while it really runs in a sandbox that is still starting. */
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SpawnedProcess } from '@anthropic-ai/claude-agent-sdk/core';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { Sandbox, SandboxExit } from '../../sandbox/sandbox.js';
import { OutputLimit, type OutputLimits } from '../output-limit.js';

export class SandboxedCli extends EventEmitter implements SpawnedProcess {
  readonly stdin = new PassThrough();
  readonly stdout: OutputLimit;
  killed = false;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  private readonly leaving = new AbortController();

  /**
   * @param starting the sandbox in which the CLI is being started
   * @param graceMs milliseconds between TERM and KILL
   * @param limits of its output
   * @param seen is shown its output before anybody else
   */
  constructor(
    private readonly starting: Promise<Sandbox>,
    private readonly graceMs: number,
    limits: OutputLimits,
    seen?: (chunk: Buffer) => void,
  ) {
    super();
    this.stdout = new OutputLimit(limits, seen);
    // Also when nobody has been handed it yet, as while it waits warm, or nobody reads any more: an error that no one
    // listens for ends the server.
    for (const emitter of [this, this.stdout]) emitter.on('error', () => undefined);
    starting.then(
      (sandbox) => this.connect(sandbox),
      (error: unknown) => this.fail(error),
    );
  }

  /** Aborted when there is no process, or none any more. */
  get gone(): AbortSignal {
    return this.leaving.signal;
  }

  get over(): boolean {
    return this.killed || this.gone.aborted;
  }

  kill(): boolean {
    this.killed = true;
    void this.starting.then(
      (sandbox) => sandbox.end(this.graceMs),
      () => undefined, // it never started: nothing to end
    );
    return true;
  }

  private connect(sandbox: Sandbox): void {
    // A pipe that breaks is the end of the process, which `exited` tells; it is no event of its own.
    const ignored = () => undefined;
    pipeline(this.stdin, sandbox.stdin).catch(ignored);
    // A flood can only be stopped at its source, and silence has had its chance: no grace.
    const drained = pipeline(sandbox.stdout, this.stdout).catch((error: unknown) =>
      error instanceof ClaudeCodeError ? sandbox.end(0) : undefined,
    );
    void sandbox.exited.then(() => this.leaving.abort(new Error('the process has ended')));
    void Promise.all([sandbox.exited, drained]).then(([exit]) => this.finish(exit));
  }

  private finish({ code, signal }: SandboxExit): void {
    this.exitCode = code;
    this.signalCode = signal;
    this.emit('exit', code, signal);
  }

  private fail(error: unknown): void {
    this.leaving.abort(error);
    this.stdout.destroy();
    this.emit('error', error instanceof Error ? error : new Error(String(error)));
  }
}
