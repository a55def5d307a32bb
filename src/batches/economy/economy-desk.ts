/** Carries batches of mode economy to the model's service and back: sends them, asks how they stand, hands out the answers. */
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
import type { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { Execution } from '../../execution/execution.js';
import { HeldExecutions } from '../../execution/held-executions.js';
import { type ItemResult, type MessageBatches, ServiceFailure } from '../../model-gateway/message-batches.js';
import { ModelGateway } from '../../model-gateway/model-gateway.js';
import { Database } from '../../persistence/database.js';
import { KeyedLock } from '../../workspaces/keyed-lock.js';
import type { Batch } from '../batch.js';
import { Packing, type Packed } from './packing.js';
import { type Parcel, ParcelStore } from './parcel-store.js';
import { asError, errorOf, noResult, overdue } from './service-errors.js';

/** With one process nobody has to be told from another. */
const ALONE = 'alone';
/** Requests in one parcel: the service takes 100 000. */
const PARCEL_ITEMS = 10_000;
/** Results that are written at once, and executions that are ended at once. */
const AT_ONCE = 20;
/** A young batch is asked after each tenth of its age, from this many milliseconds on. */
const SOONEST_MS = 1000;
/** The longest back-off, in intervals of ECONOMY_POLL_MS. */
const BACK_OFF_MAX = 60;
/** Milliseconds that a batch which was cancelled for its longest wait is waited for, for what was answered by then. */
const LAST_WORD_MS = 3_600_000;

/** This process does not carry the batch any more. */
class TakenOver extends Error {}

@Injectable()
export class EconomyDesk implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Economy');
  private readonly batches: MessageBatches;
  private readonly stop = new AbortController();
  /** What is being carried, by batch; and those of it that pause, to be woken. */
  private readonly carried = new Map<string, Promise<void>>();
  private readonly pauses = new Map<string, AbortController>();
  /** Packing holds sandboxes and memory: one batch after the other. */
  private readonly packs = new KeyedLock();
  private timer?: NodeJS.Timeout;
  private looking?: Promise<void>;
  private isDue = false;

  constructor(
    private readonly store: ParcelStore,
    private readonly held: HeldExecutions,
    private readonly packing: Packing,
    private readonly database: Database,
    private readonly membership: Membership,
    private readonly config: Config,
    gateway: ModelGateway,
    events: DomainEvents,
  ) {
    this.batches = gateway.batches;
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
    if (!this.config.works || this.stop.signal.aborted) return;
    // What came since the look under way had begun is not in it.
    this.isDue = this.looking !== undefined;
    this.looking ??= this.takeUp()
      .catch((error: unknown) => this.logger.warn({ msg: 'cannot look for batches', err: error }))
      .finally(() => {
        this.looking = undefined;
        if (this.isDue) this.look();
      });
  }

  private get processId(): string | undefined {
    return this.config.shared ? this.membership.id : ALONE;
  }

  private async takeUp(): Promise<void> {
    const { processId } = this;
    if (processId === undefined) return; // given up for lost: it carries nothing until it is back
    for (const batch of await this.store.underWay()) {
      if (this.carried.has(batch.id) || this.stop.signal.aborted) continue;
      if (!(await this.store.take(this.database, batch.id, processId))) continue;
      const done = this.carry(batch).finally(() => this.carried.delete(batch.id));
      this.carried.set(batch.id, done);
    }
  }

  /** To the end of the batch, of this process, or of its hold on the batch. Never rejects. */
  private async carry(batch: Batch): Promise<void> {
    let failures = 0;
    let due = 0;
    while (!this.stop.signal.aborted) {
      try {
        if (!(await this.held.some(batch.id))) return await this.settle(batch);
        const early = due - performance.now();
        if (early > 0) {
          await this.pause(batch.id, early);
          continue;
        }
        await this.advance(batch);
        failures = 0;
        due = performance.now() + this.interval(batch);
      } catch (error) {
        if (this.stop.signal.aborted || error instanceof TakenOver) return;
        const { ECONOMY_POLL_MS, ECONOMY_TRIES } = this.config.values;
        this.logger.warn({
          msg: 'a batch cannot be carried on; trying again',
          batchId: batch.id,
          failures,
          err: error,
        });
        // Only the service gives a reason to end anything: what else fails (database, sandboxes) is waited for.
        if (error instanceof ServiceFailure && ++failures >= ECONOMY_TRIES)
          await this.giveUp(batch, asError(error));
        else due = performance.now() + ECONOMY_POLL_MS * Math.min(2 ** failures, BACK_OFF_MAX);
      }
    }
  }

  /** @throws ServiceFailure, TakenOver, AbortError; the database's errors, E012 */
  private async advance(batch: Batch): Promise<void> {
    await this.mustHold(batch);
    const late = Date.now() - batch.createdAt - this.config.values.ECONOMY_WAIT_MS;
    if (late > 0) await this.failUnsent(batch, overdue());
    else await this.packs.run('', () => this.send(batch));
    for (const parcel of await this.store.open(batch.id)) await this.ask(parcel, late);
  }

  private async send(batch: Batch): Promise<void> {
    const { ECONOMY_PARCEL_BYTES } = this.config.values;
    let parcel: Packed[] = [];
    let bytes = 0;
    for await (const packed of this.packing.of(batch.id, this.stop.signal)) {
      const size = Buffer.byteLength(packed.text) + 1;
      if (parcel.length === PARCEL_ITEMS || (parcel.length > 0 && bytes + size > ECONOMY_PARCEL_BYTES)) {
        await this.sendParcel(batch, parcel);
        [parcel, bytes] = [[], 0];
      }
      parcel.push(packed);
      bytes += size;
    }
    if (parcel.length > 0) await this.sendParcel(batch, parcel);
  }

  private async sendParcel(batch: Batch, packed: readonly Packed[]): Promise<void> {
    const executions = packed.map(({ execution }) => execution);
    await this.mustHold(batch);
    let id: string;
    try {
      id = await this.batches.submit(
        packed.map(({ text }) => text),
        this.stop.signal,
      );
    } catch (error) {
      if (!(error instanceof ServiceFailure && error.isFinal)) throw error;
      await this.fail(executions, asError(error));
      return;
    }
    await this.database.transaction().execute(async (db) => {
      await this.mustHold(batch, db);
      await this.store.insert(db, { id, batchId: batch.id });
      await this.held.sent(db, id, executions);
    });
    this.logger.log({ msg: 'parcel sent', batchId: batch.id, parcelId: id, requests: packed.length });
  }

  /** @param late milliseconds since the longest wait was over; negative before */
  private async ask(parcel: Parcel, late: number): Promise<void> {
    try {
      const { ended, resultsPath } = await this.batches.look(parcel.id, this.stop.signal);
      if (ended && resultsPath !== undefined) {
        await this.collect(parcel, resultsPath, late > 0);
        await this.failAll(() => this.held.ofParcel(parcel, undefined, AT_ONCE), noResult());
      } else if (late > LAST_WORD_MS) {
        await this.failAll(() => this.held.ofParcel(parcel, undefined, AT_ONCE), overdue());
      } else {
        if (late > 0 && parcel.cancelledAt === undefined) await this.cancel(parcel);
        return;
      }
    } catch (error) {
      if (!(error instanceof ServiceFailure && error.isFinal)) throw error;
      await this.failAll(() => this.held.ofParcel(parcel, undefined, AT_ONCE), asError(error));
    }
    await this.store.close(parcel);
  }

  /** Hands out what there is, a few at a time: all that was read before the results broke off is good. */
  private async collect(parcel: Parcel, path: string, isLate: boolean): Promise<void> {
    let some: ItemResult[] = [];
    for await (const result of this.batches.results(path, this.stop.signal)) {
      some.push(result);
      if (some.length < AT_ONCE) continue;
      await this.handOut(parcel, some, isLate);
      some = [];
    }
    await this.handOut(parcel, some, isLate);
  }

  private async handOut(parcel: Parcel, results: readonly ItemResult[], isLate: boolean): Promise<void> {
    const byId = new Map(results.map((result) => [result.id, result]));
    // Those that are nobody's, or whose execution has ended, find none.
    const executions = await this.held.ofParcel(parcel, [...byId.keys()], results.length);
    const answered = [];
    for (const execution of executions) {
      const result = byId.get(execution.id);
      if (result?.kind === 'answered')
        answered.push({ execution, answer: { message: result.message, usage: result.usage } });
      else if (result !== undefined) await this.held.fail([execution], errorOf(result, isLate));
    }
    await this.held.release(answered);
  }

  /** Nobody waits for anything of it: what the service has not begun is left undone there. */
  private async settle(batch: Batch): Promise<void> {
    for (const parcel of await this.store.open(batch.id)) {
      await this.cancel(parcel).catch((error: unknown) => {
        this.stop.signal.throwIfAborted();
        this.logger.warn({
          msg: 'a parcel that nobody wants stays at the service',
          parcelId: parcel.id,
          err: error,
        });
      });
      await this.store.close(parcel);
    }
    await this.store.closeBatch(batch.id);
  }

  private async cancel(parcel: Parcel): Promise<void> {
    await this.batches.cancel(parcel.id, this.stop.signal);
    await this.store.cancelled(parcel);
  }

  private async giveUp(batch: Batch, error: ClaudeCodeError): Promise<void> {
    await this.failAll(() => this.held.ofBatch(batch.id, AT_ONCE), error);
  }

  private failUnsent(batch: Batch, error: ClaudeCodeError): Promise<void> {
    return this.failAll(() => this.held.unsent(batch.id, -1, AT_ONCE), error);
  }

  private async fail(executions: readonly Execution[], error: ClaudeCodeError): Promise<void> {
    for (let at = 0; at < executions.length; at += AT_ONCE)
      await this.held.fail(executions.slice(at, at + AT_ONCE), error);
  }

  private async failAll(next: () => Promise<Execution[]>, error: ClaudeCodeError): Promise<void> {
    for (let some = await next(); some.length > 0; some = await next()) await this.held.fail(some, error);
  }

  /** @throws TakenOver */
  private async mustHold(
    { id }: Batch,
    db = this.database as Parameters<ParcelStore['take']>[0],
  ): Promise<void> {
    const { processId } = this;
    if (processId === undefined || !(await this.store.take(db, id, processId))) throw new TakenOver();
  }

  private interval({ createdAt }: Batch): number {
    const tenth = Math.max(SOONEST_MS, (Date.now() - createdAt) / 10);
    return Math.min(this.config.values.ECONOMY_POLL_MS, tenth);
  }

  /** Until the time is over, somebody wakes it, or the server stops. */
  private async pause(batchId: string, ms: number): Promise<void> {
    const woken = new AbortController();
    this.pauses.set(batchId, woken);
    await delay(ms, undefined, { signal: AbortSignal.any([woken.signal, this.stop.signal]) }).catch(
      () => undefined,
    );
    this.pauses.delete(batchId);
  }
}
