/** Keeps Claude Code processes warm: started, shaken hands with, in the workspaces that will probably want one next. */
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { availableParallelism, totalmem } from 'node:os';
import { Config } from '../../config/config.js';
import {
  SandboxGoneError,
  Sandboxes,
  type SandboxWorkspace,
  type WorkspaceAccess,
} from '../../sandbox/sandbox.js';
import { type Workspace, Workspaces } from '../../workspaces/workspace.js';
import type { AgentTask } from '../agent-task.js';
import { WarmPlaces, type MissReason } from '../warm-places.js';
import { WarmPool, type WarmPlace, type WarmSource } from '../warm/warm-pool.js';
import { ClaudeLauncher } from './claude-launcher.js';
import type { ClaudeProcess } from './claude-process.js';

/** What is bound at the start; a task that differs in the model is bound to its own, which takes 20 ms. */
interface Key {
  access: WorkspaceAccess;
  model: string;
}

/** Milliseconds between two looks at what can go and what it holds. */
const TEND_EVERY = 10_000;
/** Milliseconds after which a task counts as started even if its agent has said nothing: it waits for the model. */
const RUSH_MAX = 1000;
/** Places that come up at once, at most: this process, which is one thread, has something to do for each of them. */
const STARTS_MAX = 4;
/** Processors that a task takes while it is being started: its CLI has one, and this process with the gateway another. */
const PROCESSORS_A_RUSH = 2;
/** Part of the machine's memory that the pool takes at most, when POOL_MEMORY_LIMIT does not say otherwise. */
const MEMORY_PART = 4;

@Injectable()
export class WarmClaude extends WarmPlaces implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('WarmPlaces');
  private pool?: WarmPool<SandboxWorkspace, Key, WarmProcess>;
  private tending?: NodeJS.Timeout;
  /** One waiting place serves reading and writing. */
  private narrows = false;
  /** Tasks that are being started right now. */
  private rushing = 0;

  constructor(
    private readonly launcher: ClaudeLauncher,
    private readonly workspaces: Workspaces,
    private readonly sandboxes: Sandboxes,
    private readonly config: Config,
  ) {
    super();
  }

  async onApplicationBootstrap(): Promise<void> {
    const { POOL_SIZE, POOL_SPARES, POOL_IDLE, POOL_MEMORY_LIMIT, ENGINES } = this.config.values;
    const isUsed = ENGINES.some((name) => name === 'claude-code' || name === 'hybrid');
    if (POOL_SIZE === 0 || !this.config.works || !isUsed) return;
    this.narrows = await this.sandboxes.narrows();
    const constrained = process.constrainedMemory();
    const memory = constrained > 0 && constrained < totalmem() ? constrained : totalmem();
    this.pool = new WarmPool(this.source(), {
      size: POOL_SIZE,
      spares: Math.min(POOL_SPARES, Math.floor(POOL_SIZE / 2)),
      idleMs: POOL_IDLE * 1000,
      memoryBytes: POOL_MEMORY_LIMIT ?? memory / MEMORY_PART,
    });
    this.tending = setInterval(() => void this.tend(), TEND_EVERY).unref();
    this.pool.pump();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.tending);
    await this.pool?.close();
  }

  get ready(): number {
    return this.pool?.ready ?? 0;
  }

  get warmed(): string[] {
    return this.pool?.warmed ?? [];
  }

  get ages(): number[] {
    return this.pool?.ages ?? [];
  }

  get memoryBytes(): number {
    return this.pool?.memoryBytes ?? 0;
  }

  warm(workspace: Workspace): 'ready' | 'starting' | 'off' {
    const key = this.keyFor('read-write', this.config.values.CLAUDE_CODE_MODEL);
    return this.pool?.want(workspace, key) ?? 'off';
  }

  cool(workspace: Pick<SandboxWorkspace, 'id'>): void {
    this.pool?.forget(workspace);
  }

  /** A task is about to need memory: what waits gives it back before a task has to do without. */
  async makeRoom(): Promise<void> {
    await this.pool?.relieve();
  }

  /** The workspace's place, made ready for the task, or why there is none. The next one is as its last task was. */
  async claim(workspace: SandboxWorkspace, task: AgentTask): Promise<ClaudeProcess | MissReason> {
    if (this.pool === undefined) return 'off';
    try {
      if (task.workingDirectory !== '.') return 'working-directory';
      const place = this.pool.claim(workspace);
      if (typeof place === 'string') return place;
      const reason = await this.employ(place, task);
      if (reason === undefined) return place.process;
      await place.close();
      return reason;
    } finally {
      this.pool.want(workspace, this.keyFor(task.access, task.model));
    }
  }

  /** A task is being started: nothing else is, until its agent speaks or it waits for the model. */
  rush(): () => void {
    this.rushing += 1;
    const over = () => {
      if (late === undefined) return;
      clearTimeout(late);
      late = undefined;
      this.rushing -= 1;
      this.pool?.pump();
    };
    let late: NodeJS.Timeout | undefined = setTimeout(over, RUSH_MAX);
    return over;
  }

  announce(outcome: 'hit' | MissReason, afterMs: number): void {
    this.events.emit('claimed', { outcome, afterMs }).catch((error: unknown) => this.logger.error(error));
  }

  private async employ(place: WarmProcess, task: AgentTask): Promise<MissReason | undefined> {
    if (place.outdated) return 'outdated';
    if (place.access !== task.access && !(this.narrows && task.access === 'read-only')) return 'access';
    try {
      await place.process.employ(place.access === task.access ? 'read-write' : 'read-only');
      return undefined;
    } catch (error) {
      this.logger.warn({ msg: 'a warm place could not be employed', err: error });
      return error instanceof SandboxGoneError || place.gone.aborted ? 'died' : 'access';
    }
  }

  private keyFor(access: WorkspaceAccess, model: string): Key {
    return { access: this.narrows ? 'read-write' : access, model };
  }

  private source(): WarmSource<SandboxWorkspace, Key, WarmProcess> {
    return {
      start: (workspace, key, signal) => this.start(workspace, key, signal),
      reserve: async () => {
        const workspace = await this.workspaces.reserve();
        const key = this.keyFor('read-write', this.config.values.CLAUDE_CODE_MODEL);
        return workspace && { workspace, key };
      },
      offer: (workspace, taken) => this.workspaces.offer(workspace, taken),
      withdraw: (workspace) => this.workspaces.withdraw(workspace),
      calm: (starting) => starting < this.startsNow() && this.sandboxes.report?.ok !== false,
      pressed: () => process.availableMemory() < this.config.values.POOL_MEMORY_FREE,
    };
  }

  /**
   * A start keeps one processor busy, so there may be one for each that no task is being started on. One at a time, whatever
   * the machine, fell behind five people at work on two processors: 38 of 200 found theirs not ready yet, most of them
   * because somebody else's was being started.
   */
  private startsNow(): number {
    return Math.min(STARTS_MAX, availableParallelism() - PROCESSORS_A_RUSH * this.rushing);
  }

  private async start(
    workspace: SandboxWorkspace,
    { access, model }: Key,
    signal: AbortSignal,
  ): Promise<WarmProcess> {
    const begun = performance.now();
    const version = this.launcher.version();
    const process = await this.launcher.launch({
      workspace,
      access,
      model,
      workingDirectory: '.',
      waits: true,
    });
    try {
      // Whoever claims it does not wait for the SDK to be loaded.
      await Promise.all([process.ready(signal), import('./claude-session.js')]);
    } catch (error) {
      await process.end();
      throw error;
    }
    this.events
      .emit('started', { afterMs: performance.now() - begun })
      .catch((error: unknown) => this.logger.error(error));
    return new WarmProcess(process, access, () => version === this.installed());
  }

  /** Undefined when nothing is installed (any more). */
  private installed(): string | undefined {
    try {
      return this.launcher.version();
    } catch {
      return undefined;
    }
  }

  private async tend(): Promise<void> {
    await this.pool
      ?.tend()
      .catch((error: unknown) => this.logger.warn({ msg: 'the warm places were not tended', err: error }));
  }
}

/** A process that waits. */
class WarmProcess implements WarmPlace {
  constructor(
    readonly process: ClaudeProcess,
    readonly access: WorkspaceAccess,
    private readonly isInstalled: () => boolean,
  ) {}

  get gone(): AbortSignal {
    return this.process.cli.gone;
  }

  get outdated(): boolean {
    return !this.isInstalled();
  }

  memoryBytes(): Promise<number> {
    return this.process.memoryBytes();
  }

  async close(): Promise<void> {
    await this.process.end();
  }
}
