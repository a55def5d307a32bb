/** Carries batches of mode economy to the model's service and back, one process each, for as long as it takes. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Membership } from '../../cluster/membership.js';
import { Config } from '../../config/config.js';
import { DomainEvents } from '../../execution/domain-events.js';
import { HeldExecutions } from '../../execution/held-executions.js';
import { ServiceFailure } from '../../model-gateway/message-batches.js';
import { Database, type Queryable } from '../../persistence/database.js';
import type { Batch } from '../batch.js';
import { ParcelExchange, type Turn } from './parcel-exchange.js';
import { ParcelStore } from './parcel-store.js';
import { asError } from './service-errors.js';

/** With one process nobody has to be told from another. */
const ALONE = 'alone';
/** A young batch is asked after each tenth of its age, from this many milliseconds on. */
const SOONEST_MS = 1000;
/** The longest back-off, in intervals of ECONOMY_POLL_MS. */
const BACK_OFF_MAX = 60;

/** This process does not carry the batch any more. */
class TakenOver extends Error {}

@Injectable()
export class EconomyDesk implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Economy');
  private readonly stop = new AbortController();
  /** What is being carried, by batch; and those of it that pause, to be woken. */
  private readonly carried = new Map<string, Promise<void>>();
  private readonly pauses = new Map<string, AbortController>();
  private timer?: NodeJS.Timeout;
  private looking?: Promise<void>;
  private isDue = false;

  constructor(
    private readonly store: ParcelStore,
    private readonly held: HeldExecutions,
    private readonly exchange: ParcelExchange,
    private readonly database: Database,
    private readonly membership: Membership,
    private readonly config: Config,
    events: DomainEvents,
  ) {
    // When the last one was cancelled nobody waits for the rest.
    events.on('execution.settled', ({ data: { execution } }) => {
      if (execution.status === 'cancelled' && execution.batchId !== undefined)
        this.pauses.get(execution.batchId)?.abort();
    });
  }

  onApplicationBootstrap(): void {
    if (!this.config.works) return;
    this.timer = setInterval(() => this.look(), this.config.values.ECONOMY_POLL_MS);
    this.look();
  }

  /** What is under way at the service goes on there, and is taken up by the next start or by another process. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stop.abort();
    await this.looking;
    await Promise.all(this.carried.values());
  }

  /** Begins to carry what nobody carries. Returns at once and never throws. */
  look(): void {
    if (!this.config.works || this.isStopping()) return;
    // What came since the look under way had begun is not in it.
    this.isDue = this.looking !== undefined;
    this.looking ??= this.takeUp()
      .catch((error: unknown) => this.logger.warn({ msg: 'cannot look for batches', err: error }))
      .finally(() => {
        this.looking = undefined;
        if (this.isDue) this.look();
      });
  }

  private isStopping(): boolean {
    return this.stop.signal.aborted;
  }

  private get processId(): string | undefined {
    return this.config.shared ? this.membership.id : ALONE;
  }

  private async takeUp(): Promise<void> {
    const { processId } = this;
    if (processId === undefined) return; // given up for lost: it carries nothing until it is back
    for (const batch of await this.store.underWay()) {
      if (this.carried.has(batch.id) || this.isStopping()) continue;
      if (!(await this.store.take(this.database, batch.id, processId))) continue;
      const done = this.carry(batch).finally(() => this.carried.delete(batch.id));
      this.carried.set(batch.id, done);
    }
  }

  /** To the end of the batch, of this process, or of its hold on the batch. Never rejects. */
  private async carry(batch: Batch): Promise<void> {
    const { ECONOMY_POLL_MS, ECONOMY_TRIES } = this.config.values;
    const turn: Turn = { mustHold: (db) => this.mustHold(batch, db), signal: this.stop.signal };
    let failures = 0;
    let final: ServiceFailure | undefined;
    let due = 0;
    while (!this.isStopping()) {
      await this.pause(batch.id, due - performance.now());
      try {
        if (!(await this.held.some(batch.id))) return await this.exchange.settle(batch, this.stop.signal);
        if (performance.now() < due) continue; // woken, and somebody is left
        if (final === undefined) await this.exchange.advance(batch, turn);
        else await this.exchange.giveUp(batch, asError(final));
        failures = 0;
        due = performance.now() + this.interval(batch);
      } catch (error) {
        if (this.isStopping() || error instanceof TakenOver) return;
        this.logger.warn({ msg: 'a batch cannot be carried on', batchId: batch.id, failures, err: error });
        // Only the service gives a reason to end anything: what else fails (database, sandboxes) is waited for.
        if (error instanceof ServiceFailure) failures += 1;
        if (error instanceof ServiceFailure && failures >= ECONOMY_TRIES) final = error;
        const isOver = error === final;
        due = isOver ? 0 : performance.now() + ECONOMY_POLL_MS * Math.min(2 ** failures, BACK_OFF_MAX);
      }
    }
  }

  private async mustHold({ id }: Batch, db: Queryable): Promise<void> {
    const { processId } = this;
    if (processId === undefined || !(await this.store.take(db, id, processId))) throw new TakenOver();
  }

  private interval({ createdAt }: Batch): number {
    const tenth = Math.max(SOONEST_MS, (Date.now() - createdAt) / 10);
    return Math.min(this.config.values.ECONOMY_POLL_MS, tenth);
  }

  /** Until the time is over, somebody wakes it, or the server stops. */
  private async pause(batchId: string, ms: number): Promise<void> {
    if (ms <= 0) return;
    const woken = new AbortController();
    this.pauses.set(batchId, woken);
    const signal = AbortSignal.any([woken.signal, this.stop.signal]);
    await delay(ms, undefined, { signal }).catch(() => undefined);
    this.pauses.delete(batchId);
  }
}
