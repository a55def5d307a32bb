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
import { Database } from '../persistence/database.js';
import { ActiveExecutions } from './active-executions.js';
import type { Execution } from './execution.js';
import { ExecutionEnder, nothingDone } from './execution-ender.js';
import { ExecutionQueue } from './execution-queue.js';
import { ExecutionRunner } from './execution-runner.js';
import { ExecutionStore } from './execution-store.js';
import { Lifecycle } from './lifecycle.js';
import { waitingOf } from './waiting.js';

/** A read-only execution whose worker was lost is started once more; reading twice harms nothing. */
const MAX_ATTEMPTS = 2;

/** Milliseconds: KILL comes 5 s after TERM, and then an end has to be written; 30 s are what Kubernetes gives in all. */
const LAST_WORD_MS = 8000;

@Injectable()
export class Worker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Worker');

  constructor(
    private readonly store: ExecutionStore,
    private readonly queue: ExecutionQueue,
    private readonly runner: ExecutionRunner,
    private readonly ender: ExecutionEnder,
    private readonly active: ActiveExecutions,
    private readonly lifecycle: Lifecycle,
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    for (const execution of await this.store.unfinished()) await this.takeUp(execution);
    this.queue.start((executionId) => this.runner.run(executionId));
  }

  /** Nothing new is taken; what runs gets SHUTDOWN_GRACE seconds, then ends as E012. What waits runs after the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    this.lifecycle.beginStop();
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

  /** What ran when the last process died is retried once when it only read; a half-done edit is never repeated. */
  private async takeUp(execution: Execution): Promise<void> {
    if (execution.status !== 'queued') {
      const retry = execution.access === 'read-only' && execution.attempt < MAX_ATTEMPTS;
      if (!retry) {
        const lost = new ClaudeCodeError('E014', 'The process that ran it died.', {
          details: { retryable: execution.access === 'read-only' },
        });
        await this.ender.end(execution, nothingDone(lost));
        return;
      }
      await this.store.advance(this.database, execution, 'queued');
    }
    this.queue.offer(waitingOf(execution));
  }
}
