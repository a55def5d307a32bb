/** Sandboxes by bubblewrap: none before the probe has shown that this host keeps their promises, none ever without. */
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import { chooseLimiter, type ChosenLimiter } from '../limits/choose-limiter.js';
import { type ResourceLimits, resourceLimits } from '../limits/resource-limits.js';
import { meterWorkspace } from '../limits/workspace-meter.js';
import { type ProbeReport, type Sandbox, type SandboxOrder, Sandboxes } from '../sandbox.js';
import type { Profile } from './arguments.js';
import { hostRootArguments } from './host-root.js';
import type { BubblewrapSandbox } from './bubblewrap-sandbox.js';
import { launch, type Launcher } from './launch.js';
import { canMountReadOnly } from './read-only-mount.js';
import { runProbe } from './probe.js';
import { systemCallFilter } from './seccomp/filter.js';

/** Seconds: an operator has to mend the host. */
const RETRY_AFTER = 60;

@Injectable()
export class BubblewrapSandboxes extends Sandboxes implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new Logger(BubblewrapSandboxes.name);
  readonly #profile: Profile;
  readonly #limits: ResourceLimits;
  readonly #alive = new Set<Sandbox>();
  /** Set by a probe that has found out how the limits are held here. */
  #chosen?: ChosenLimiter;
  #launcher?: Launcher;
  #probing?: Promise<ProbeReport>;
  #report?: ProbeReport;
  #closed = false;

  constructor(private readonly config: Config) {
    super();
    this.#profile = { hostRoot: hostRootArguments(), tmpBytes: config.values.SANDBOX_TMP_BYTES };
    this.#limits = resourceLimits(config.values);
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
    await this.#chosen?.limiter.close();
  }

  async start(order: SandboxOrder): Promise<Sandbox> {
    const { ok } = this.#report ?? (await (this.#probing ?? this.probe()));
    if (!ok || this.#launcher === undefined)
      throw new ClaudeCodeError('E012', 'the sandbox is not available on this server', {
        retryAfter: RETRY_AFTER,
      });
    const begun = performance.now();
    const sandbox = await this.#launch(order, this.#launcher);
    this.starts
      .emit('started', { afterMs: performance.now() - begun })
      .catch((error: unknown) => this.#logger.error(error));
    if (order.waits === true) void this.#meterWhenEmployed(order, sandbox, this.#launcher);
    else if (order.access === 'read-write') this.#meter(order, sandbox, this.#launcher);
    return sandbox;
  }

  narrows(): Promise<boolean> {
    return canMountReadOnly();
  }

  async #meterWhenEmployed(
    order: SandboxOrder,
    sandbox: BubblewrapSandbox,
    launcher: Launcher,
  ): Promise<void> {
    const access = await Promise.race([sandbox.employed, sandbox.exited]);
    if (access === 'read-write') this.#meter(order, sandbox, launcher);
  }

  /** Starts one and keeps count of it. */
  async #launch(order: SandboxOrder, launcher: Launcher): Promise<BubblewrapSandbox> {
    if (this.#isClosed())
      throw new ClaudeCodeError('E012', 'the server is shutting down', { retryAfter: RETRY_AFTER });
    const sandbox = await launch(order, launcher);
    this.#alive.add(sandbox);
    void sandbox.exited.then(() => this.#alive.delete(sandbox));
    // The end of the server may have come while it started.
    if (this.#isClosed()) await sandbox.end(0);
    return sandbox;
  }

  #meter(order: SandboxOrder, sandbox: BubblewrapSandbox, launcher: Launcher): void {
    const start = (measuring: SandboxOrder) => this.#launch(measuring, launcher);
    void meterWorkspace({ order, sandbox, limits: this.#limits, start });
  }

  probe(): Promise<ProbeReport> {
    this.#probing = this.#probe();
    return this.#probing;
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  async #probe(): Promise<ProbeReport> {
    const { config } = this;
    const { limiter, shortfall } = await this.#chooseLimiter();
    const prepared = {
      bwrap: config.values.SANDBOX_BWRAP,
      profile: this.#profile,
      limits: this.#limits,
      limiter,
    };
    const filter = systemCallFilter(process.arch);
    const report = await runProbe({
      ...prepared,
      filter,
      limitsRequired: config.limitsRequired,
      shortfall,
      workspaceRoot: config.workspaceRoot,
      dataDirectory: config.dataDirectory,
      ...(process.getuid?.() === 0 ? { uid: config.values.SANDBOX_UID_BASE } : {}),
    });
    this.#launcher = filter && { ...prepared, filter };
    this.#tell(report);
    this.#report = report;
    return report;
  }

  /** Looks again for cgroups as long as there were none. */
  async #chooseLimiter(): Promise<ChosenLimiter> {
    if (this.#chosen === undefined || this.#chosen.shortfall !== undefined)
      this.#chosen = await chooseLimiter(this.#limits);
    return this.#chosen;
  }

  #tell({ checks, warnings }: ProbeReport): void {
    for (const { name, ok, reason, mend } of checks)
      if (!ok) this.#logger.error(`sandbox promise "${name}" does not hold: ${reason}. To mend it: ${mend}`);
    for (const { name, reason, mend } of warnings)
      this.#logger.warn(`sandbox "${name}" is weaker than it could be: ${reason}. To mend it: ${mend}`);
  }
}
