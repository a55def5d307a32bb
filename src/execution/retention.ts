/** Removes executions, events and results after RETENTION_DAYS, then answers and snapshots that are due. */
import { Injectable } from '@nestjs/common';
import { AnswerStore } from '../cache/answer-store.js';
import { Config } from '../config/config.js';
import { ExecutionStore } from './execution-store.js';
import { Orphans } from '../workspaces/objects/orphans.js';
import { SnapshotRetention } from './snapshot-retention.js';
import { DAY_MS, Sweeper } from './sweeper.js';

const EVERY_MS = 10 * 60 * 1000;
/** Executions a step: their events go with them, so a step stays within some ten milliseconds. */
const STEP = 50;

@Injectable()
export class Retention extends Sweeper {
  constructor(
    private readonly store: ExecutionStore,
    private readonly snapshots: SnapshotRetention,
    private readonly answers: AnswerStore,
    private readonly orphans: Orphans,
    private readonly config: Config,
  ) {
    super(EVERY_MS);
  }

  protected async remove(now: number): Promise<void> {
    const cutoff = now - this.config.values.RETENTION_DAYS * DAY_MS;
    while ((await this.store.removeEndedBefore(cutoff, STEP)) === STEP);
    // Answers first: a content that only they named goes with them.
    await this.answers.sweep(now);
    await this.snapshots.sweep(now);
    if (this.config.bucket !== undefined) await this.orphans.sweep(now, () => this.stopping);
  }
}
