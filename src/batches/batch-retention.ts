/** Removes batches when the last of their executions is gone. */
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { DAY_MS, Sweeper } from '../execution/sweeper.js';
import { BatchStore } from './batch-store.js';

const EVERY_MS = 60 * 60 * 1000;
/** At a time; the rest goes with the next sweeps. */
const STEP = 100;

@Injectable()
export class BatchRetention extends Sweeper {
  constructor(
    private readonly store: BatchStore,
    private readonly config: Config,
  ) {
    super(EVERY_MS);
  }

  protected async remove(now: number): Promise<void> {
    await this.store.removeEmptyBefore(now - this.config.values.RETENTION_DAYS * DAY_MS, STEP);
  }
}
