/** Starts the work when the server starts, takes up what a death left behind, and stops it with grace. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { ActiveExecutions } from './active-executions.js';
import { ExecutionQueue } from './execution-queue.js';
import { ExecutionRunner } from './execution-runner.js';
import { ExecutionStore } from './execution-store.js';
import { Lifecycle } from './lifecycle.js';
import { Recovery } from './recovery.js';

/** Milliseconds: KILL comes 5 s after TERM, and then an end has to be written; 30 s are what Kubernetes gives in all. */
const LAST_WORD_MS = 8000;

@Injectable()
export class Worker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Worker');

  constructor(
    private readonly store: ExecutionStore,
    private readonly queue: ExecutionQueue,
    private readonly runner: ExecutionRunner,
    private readonly recovery: Recovery,
    private readonly active: ActiveExecutions,
    private readonly lifecycle: Lifecycle,
    private readonly config: Config,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    // With several processes, what one left behind is taken up by the others (`shared/lost-workers.ts`).
    if (!this.config.shared)
      for (const execution of await this.store.unfinished()) await this.recovery.takeUp(execution);
    if (this.config.works) this.queue.start((executionId) => this.runner.run(executionId));
  }

  /** Nothing new is taken; what runs gets SHUTDOWN_GRACE seconds, then ends as E012. What waits runs after the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    this.lifecycle.beginStop();
    if (!this.config.works) this.lifecycle.sendAway();
    const stopped = this.queue.stop();
    const grace = new AbortController();
    const graceOver = sleep(this.config.values.SHUTDOWN_GRACE * 1000, true, { signal: grace.signal }).catch(
      () => false,
    );
    if (await Promise.race([stopped.then(() => false), graceOver])) {
      this.logger.warn(`${this.queue.running} executions outlasted the grace of SHUTDOWN_GRACE; ending them`);
      const ended = this.active.endAll(
        new ClaudeCodeError('E012', 'The server was shut down.', { retryAfter: 5 }),
      );
      await this.orGiveUp(ended);
    }
    await stopped;
    grace.abort();
  }

  /** A database that refuses to the last must not keep the server: rows that are not ended are the next start's. */
  private async orGiveUp(ended: Promise<void>): Promise<void> {
    const patience = setTimeout(() => {
      this.logger.error('the database refuses; what could not be ended is left to the next start');
      this.lifecycle.giveUp();
    }, LAST_WORD_MS);
    await ended;
    clearTimeout(patience);
  }
}
