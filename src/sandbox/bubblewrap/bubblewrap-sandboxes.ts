/** Sandboxes by bubblewrap: none before the probe has shown that this host keeps their promises, none ever without. */
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import { type ProbeReport, type Sandbox, type SandboxOrder, Sandboxes } from '../sandbox.js';
import { hostRootArguments } from './host-root.js';
import { launch, type Launcher } from './launch.js';
import { runProbe } from './probe.js';

/** Seconds: an operator has to mend the host. */
const RETRY_AFTER = 60;

@Injectable()
export class BubblewrapSandboxes extends Sandboxes implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new Logger(BubblewrapSandboxes.name);
  readonly #launcher: Launcher;
  readonly #alive = new Set<Sandbox>();
  #probing?: Promise<ProbeReport>;
  #report?: ProbeReport;
  #closed = false;

  constructor(private readonly config: Config) {
    super();
    this.#launcher = {
      bwrap: config.values.SANDBOX_BWRAP,
      profile: { hostRoot: hostRootArguments(), tmpBytes: config.values.SANDBOX_TMP_BYTES },
    };
  }

  get report(): ProbeReport | undefined {
    return this.#report;
  }

  /** How many sandboxes there are now. */
  get alive(): number {
    return this.#alive.size;
  }

  /** Begins the probe and lets the server start meanwhile: readiness is red until it has ended well. */
  onModuleInit(): void {
    void this.probe();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#alive].map((sandbox) => sandbox.end(0)));
    await this.#probing;
  }

  async start(order: SandboxOrder): Promise<Sandbox> {
    const { ok } = this.#report ?? (await (this.#probing ?? this.probe()));
    if (!ok)
      throw new ClaudeCodeError('E012', 'the sandbox is not available on this server', {
        retryAfter: RETRY_AFTER,
      });
    if (this.#isClosed())
      throw new ClaudeCodeError('E012', 'the server is shutting down', { retryAfter: RETRY_AFTER });
    const begun = performance.now();
    const sandbox = await launch(order, this.#launcher);
    this.#alive.add(sandbox);
    this.starts
      .emit('started', { afterMs: performance.now() - begun })
      .catch((error: unknown) => this.#logger.error(error));
    void sandbox.exited.then(() => this.#alive.delete(sandbox));
    // The end of the server may have come while it started.
    if (this.#isClosed()) await sandbox.end(0);
    return sandbox;
  }

  probe(): Promise<ProbeReport> {
    this.#probing = this.#probe();
    return this.#probing;
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  async #probe(): Promise<ProbeReport> {
    const report = await runProbe({
      ...this.#launcher,
      workspaceRoot: this.config.workspaceRoot,
      dataDirectory: this.config.dataDirectory,
      ...(process.getuid?.() === 0 ? { uid: this.config.values.SANDBOX_UID_BASE } : {}),
    });
    for (const { name, ok, reason, mend } of report.checks)
      if (!ok) this.#logger.error(`sandbox promise "${name}" does not hold: ${reason}. To mend it: ${mend}`);
    this.#report = report;
    return report;
  }
}
