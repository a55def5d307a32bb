/** Removes executions, events and results after RETENTION_DAYS, then snapshots that are due, in small steps that never hold the database long. */
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/config.js';
import { ExecutionStore } from './execution-store.js';
import { SnapshotRetention } from './snapshot-retention.js';
import { SweepClock } from './sweep-clock.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const INTERVAL_MS = 10 * 60 * 1000;
/** Executions a step: their events go with them, so a step stays within some ten milliseconds. */
const STEP = 50;

@Injectable()
export class Retention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Retention');
  private readonly clock = new SweepClock();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: ExecutionStore,
    private readonly snapshots: SnapshotRetention,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.sweep(), INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** One step of removing; the rest waits for the next, unless much is due. Answers how many were removed. */
  async sweep(now = this.clock.now()): Promise<number> {
    let removed = 0;
    try {
      for (let step = STEP; step === STEP; removed += step)
        step = await this.store.removeEndedBefore(now - this.config.values.RETENTION_DAYS * DAY_MS, STEP);
      await this.snapshots.sweep(now);
    } catch (error) {
      this.logger.error({ msg: 'the sweep stopped; the next one goes on', err: error });
    }
    return removed;
  }
}
