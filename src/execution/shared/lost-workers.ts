/** Gives up workers that are silent, and takes up what they ran: any process does it, and twice harms nothing. */
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { sql } from 'kysely';
import { Config } from '../../config/config.js';
import { Database } from '../../persistence/database.js';
import { NOW } from '../../persistence/postgres/sql.js';
import { ExecutionStore } from '../execution-store.js';
import { Recovery } from '../recovery.js';
import { BEATS_PER_LEASE } from '../../cluster/membership.js';

/** Milliseconds that the row of a lost worker is kept, for whoever wants to know what became of it. */
const KEPT = 24 * 60 * 60 * 1000;

@Injectable()
export class LostWorkers implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Worker');
  private timer?: NodeJS.Timeout;
  private looking?: Promise<void>;
  /** By the monotonic clock: since when the database has answered each time it was asked. */
  private answersSince?: number;
  private lastAnswer = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly database: Database,
    private readonly store: ExecutionStore,
    private readonly recovery: Recovery,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.shared) this.timer = setInterval(() => void this.look(), this.every);
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private get every(): number {
    return this.config.values.PROCESS_LEASE_MS / BEATS_PER_LEASE;
  }

  private look(): Promise<void> {
    this.looking ??= this.takeUp()
      .catch((error: unknown) => {
        this.answersSince = undefined;
        this.logger.warn({ msg: 'cannot look for lost workers', err: error });
      })
      .finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async takeUp(): Promise<void> {
    let left = await this.store.ofLostWorkers();
    // Right after an answer: a database that stood still would find everybody silent when it goes on.
    if (this.mayJudge() && (await this.giveUpSilent())) left = await this.store.ofLostWorkers();
    for (const execution of left) await this.recovery.takeUp(execution);
  }

  /**
   * When the database was away nobody could say that he was there. So whoever could not ask, for whatever reason, judges
   * nobody until all have had the time to say so. To be asked when the database has just answered.
   */
  private mayJudge(): boolean {
    const now = performance.now();
    if (now - this.lastAnswer > 2 * this.every) this.answersSince = undefined;
    this.lastAnswer = now;
    this.answersSince ??= now;
    return now - this.answersSince >= this.config.values.PROCESS_LEASE_MS;
  }

  /** @returns whether there was one */
  private async giveUpSilent(): Promise<boolean> {
    const lost = await this.database
      .updateTable('processes')
      .set({ lostAt: NOW })
      .where('lostAt', 'is', null)
      .where('seenAt', '<', sql<number>`${NOW} - ${this.config.values.PROCESS_LEASE_MS}`)
      .returning('id')
      .execute();
    for (const { id } of lost) this.logger.error(`process ${id} is silent; what it ran is taken up`);
    await this.database
      .deleteFrom('processes')
      .where('lostAt', '<', sql<number>`${NOW} - ${KEPT}`)
      .execute();
    return lost.length > 0;
  }
}
