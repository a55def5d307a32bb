/** What is done for one batch of mode economy at a time: send what was not sent, ask how it stands, hand out the answers. */
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '../../config/config.js';
import type { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { Execution } from '../../execution/execution.js';
import { HeldExecutions } from '../../execution/held-executions.js';
import { type ItemResult, MessageBatches, ServiceFailure } from '../../model-gateway/message-batches.js';
import { Database, type Queryable } from '../../persistence/database.js';
import { KeyedLock } from '../../workspaces/keyed-lock.js';
import type { Batch } from '../batch.js';
import { type Packed, Packing } from './packing.js';
import { type Parcel, ParcelStore } from './parcel-store.js';
import { asError, errorOf, noResult, overdue } from './service-errors.js';

/** Requests in one parcel: the service takes 100 000. */
const PARCEL_ITEMS = 10_000;
/** Results that are written at once, and executions that are ended at once. */
const AT_ONCE = 20;
/** Milliseconds that a batch which was cancelled for its longest wait is waited for, for what was answered by then. */
const LAST_WORD_MS = 3_600_000;

export interface Turn {
  /** Throws when this process does not carry the batch any more; otherwise it does to the end of the transaction. */
  mustHold: (db: Queryable) => Promise<void>;
  /** Aborted when the server stops. */
  signal: AbortSignal;
}

@Injectable()
export class ParcelExchange {
  private readonly logger = new Logger('Economy');
  /** Packing holds sandboxes and memory: one batch after the other. */
  private readonly packs = new KeyedLock();

  constructor(
    private readonly store: ParcelStore,
    private readonly held: HeldExecutions,
    private readonly packing: Packing,
    private readonly database: Database,
    private readonly batches: MessageBatches,
    private readonly config: Config,
  ) {}

  /** @throws ServiceFailure after which it can be tried again, AbortError; the database's errors, E012, what `mustHold` throws */
  async advance(batch: Batch, turn: Turn): Promise<void> {
    await turn.mustHold(this.database);
    const late = Date.now() - batch.createdAt - this.config.values.ECONOMY_WAIT_MS;
    if (late > 0) await this.failAll(() => this.held.unsent(batch.id, -1, AT_ONCE), overdue());
    else await this.packs.run('', () => this.send(batch, turn));
    for (const parcel of await this.store.open(batch.id)) await this.ask(parcel, late, turn.signal);
  }

  /** Ends all that is held still. */
  async giveUp(batch: Batch, error: ClaudeCodeError): Promise<void> {
    await this.failAll(() => this.held.ofBatch(batch.id, AT_ONCE), error);
  }

  /** When nobody waits for anything of it: what the service has not begun is left undone there. */
  async settle(batch: Batch, signal: AbortSignal): Promise<void> {
    for (const parcel of await this.store.open(batch.id)) {
      await this.cancel(parcel, signal).catch((error: unknown) => {
        if (!(error instanceof ServiceFailure)) throw error;
        this.logger.warn({ msg: 'the service keeps what nobody wants', parcelId: parcel.id, err: error });
      });
      await this.store.close(parcel);
    }
    await this.store.closeBatch(batch.id);
  }

  private async send(batch: Batch, turn: Turn): Promise<void> {
    let parcel: Packed[] = [];
    let bytes = 0;
    for await (const packed of this.packing.of(batch.id, turn.signal)) {
      const size = Buffer.byteLength(packed.text) + 1;
      const isFull = parcel.length === PARCEL_ITEMS || bytes + size > this.config.values.ECONOMY_PARCEL_BYTES;
      if (isFull && parcel.length > 0) {
        await this.sendParcel(batch, parcel, turn);
        [parcel, bytes] = [[], 0];
      }
      parcel.push(packed);
      bytes += size;
    }
    if (parcel.length > 0) await this.sendParcel(batch, parcel, turn);
  }

  /** A death between the service's answer and the commit leaves a batch there that nobody fetches, and it is sent again. */
  private async sendParcel(batch: Batch, packed: readonly Packed[], turn: Turn): Promise<void> {
    const executions = packed.map(({ execution }) => execution);
    await turn.mustHold(this.database);
    let id: string;
    try {
      id = await this.batches.submit(
        packed.map(({ text }) => text),
        turn.signal,
      );
    } catch (error) {
      if (!(error instanceof ServiceFailure && error.isFinal)) throw error;
      for (let at = 0; at < executions.length; at += AT_ONCE)
        await this.held.fail(executions.slice(at, at + AT_ONCE), asError(error));
      return;
    }
    await this.database.transaction().execute(async (db) => {
      await turn.mustHold(db);
      await this.store.insert(db, { id, batchId: batch.id });
      await this.held.sent(db, id, executions);
    });
    this.logger.log({ msg: 'parcel sent', batchId: batch.id, parcelId: id, requests: packed.length });
  }

  /** @param late milliseconds since the longest wait was over; negative before */
  private async ask(parcel: Parcel, late: number, signal: AbortSignal): Promise<void> {
    try {
      const { resultsPath } = await this.batches.look(parcel.id, signal);
      if (resultsPath === undefined && late <= LAST_WORD_MS) {
        if (late > 0 && parcel.cancelledAt === undefined) await this.cancel(parcel, signal);
        return;
      }
      if (resultsPath !== undefined) await this.collect(parcel, resultsPath, late > 0, signal);
      await this.failParcel(parcel, resultsPath === undefined ? overdue() : noResult());
    } catch (error) {
      if (!(error instanceof ServiceFailure && error.isFinal)) throw error;
      await this.failParcel(parcel, asError(error));
    }
    await this.store.close(parcel);
  }

  /** Hands out what there is, a few at a time: all that was read before the results broke off is good. */
  private async collect(parcel: Parcel, path: string, isLate: boolean, signal: AbortSignal): Promise<void> {
    let some: ItemResult[] = [];
    for await (const result of this.batches.results(path, signal)) {
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
    const executions = await this.held.ofParcel(parcel, AT_ONCE, [...byId.keys()]);
    const answered = [];
    for (const execution of executions) {
      const result = byId.get(execution.id);
      if (result?.kind === 'answered')
        answered.push({ execution, answer: { message: result.message, usage: result.usage } });
      else if (result !== undefined) await this.held.fail([execution], errorOf(result, isLate));
    }
    await this.held.release(answered);
  }

  private async cancel(parcel: Parcel, signal: AbortSignal): Promise<void> {
    await this.batches.cancel(parcel.id, signal);
    await this.store.cancelled(parcel);
  }

  private failParcel(parcel: Parcel, error: ClaudeCodeError): Promise<void> {
    return this.failAll(() => this.held.ofParcel(parcel, AT_ONCE), error);
  }

  private async failAll(next: () => Promise<Execution[]>, error: ClaudeCodeError): Promise<void> {
    for (let some = await next(); some.length > 0; some = await next()) await this.held.fail(some, error);
  }
}
