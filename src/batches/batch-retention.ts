/** Removes batches when the last of their executions is gone. */
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/config.js';
import { BatchStore } from './batch-store.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const INTERVAL_MS = 60 * 60 * 1000;
/** At a time; the rest goes with the next sweeps. */
const STEP = 100;

@Injectable()
export class BatchRetention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('BatchRetention');
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: BatchStore,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.sweep(), INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Never rejects; answers how many were removed. */
  async sweep(now = Date.now()): Promise<number> {
    try {
      return await this.store.removeEmptyBefore(now - this.config.values.RETENTION_DAYS * DAY_MS, STEP);
    } catch (error) {
      this.logger.error({ msg: 'the sweep stopped; the next one goes on', err: error });
      return 0;
    }
  }
}
