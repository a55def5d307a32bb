/** What can be done with batches: submit, find, list, cancel. */
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { actingAs, mayActAs } from '../access/acting-as.js';
import type { Caller, Principal } from '../access/principal.js';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { invalidRequest } from '../errors/to-claude-code-error.js';
import { ExecutionService } from '../execution/execution-service.js';
import type { Idempotency } from '../execution/execution-store.js';
import { HeldExecutions } from '../execution/held-executions.js';
import { requestHash } from '../execution/request-hash.js';
import { type Batch, type BatchState, stateOf } from './batch.js';
import { type Asked, BatchIntake } from './batch-intake.js';
import { BatchStore } from './batch-store.js';
import { EconomyDesk } from './economy/economy-desk.js';

/** Its executions have no key of their own: only the batch can be repeated. */
const NO_KEY: Idempotency = { key: null, requestHash: '' };

@Injectable()
export class BatchService {
  constructor(
    private readonly intake: BatchIntake,
    private readonly store: BatchStore,
    private readonly executions: ExecutionService,
    private readonly held: HeldExecutions,
    private readonly desk: EconomyDesk,
    private readonly config: Config,
  ) {}

  /**
   * Accepts all requests or none. Batch, executions, first events and audit entries are committed together before this
   * resolves; the batch is the caller's own, whomever its executions are for.
   * @throws ClaudeCodeError E003 (`details`: every invalid request), E010 (key used for another body),
   *   E012 (stopping, queue full, no sandbox, audit not writable)
   */
  async submit(asked: Asked, caller: Caller, key: string | null = null): Promise<Batch> {
    const { requests, mode } = asked;
    this.checkSize(requests);
    const { userId, keyId } = caller.principal;
    const idempotency = { key, requestHash: key === null ? '' : hashOf(asked) };
    const earlier = await this.earlier(userId, idempotency);
    if (earlier !== undefined) return earlier;
    const total = requests.length;
    try {
      return await this.executions.entered('batch', total, async () => {
        const id = uuidv7();
        const executions = await this.intake.prepare(asked, caller, id);
        const { requestId } = caller;
        // Each execution has its first event already.
        const batch = { id, userId, keyId, requestId, mode, total, lastSeq: total, createdAt: Date.now() };
        await this.executions.accept(executions, NO_KEY, caller, async (db) => {
          if (mode === 'economy') await this.held.checkRoom(db, total);
          await this.store.insert(db, batch, idempotency);
        });
        if (mode === 'economy') this.desk.look();
        return batch;
      });
    } catch (error) {
      // Two calls with one key at once: the unique index let one in, and the other answers that one.
      const winner = await this.earlier(userId, idempotency);
      if (winner === undefined) throw error;
      return winner;
    }
  }

  /** @throws ClaudeCodeError E009 */
  async find(id: string, principal: Principal): Promise<Batch> {
    const batch = await this.store.find(id);
    if (batch === undefined || !mayActAs(principal, batch.userId))
      throw new ClaudeCodeError('E009', 'There is no such batch.');
    return batch;
  }

  /** The batch as it is now. */
  async reload(batch: Batch): Promise<Batch> {
    return (await this.store.find(batch.id)) ?? batch;
  }

  /** Newest first. @throws ClaudeCodeError E008 */
  list(principal: Principal, userId: string | undefined, before: string | undefined, limit: number) {
    return this.store.list(actingAs(principal, userId), before, limit);
  }

  /** Each with its state, in their order. */
  async statesOf(batches: readonly Batch[]): Promise<[Batch, BatchState][]> {
    const tallies = Map.groupBy(
      await this.executions.tally(batches.map(({ id }) => id)),
      ({ batchId }) => batchId,
    );
    return batches.map((batch) => [batch, stateOf(batch, tallies.get(batch.id) ?? [])]);
  }

  async stateOf(batch: Batch): Promise<BatchState> {
    return stateOf(batch, await this.executions.tally([batch.id]));
  }

  /** Idempotent; resolves when all of its executions have ended. @throws ClaudeCodeError E009 */
  async cancel(id: string, principal: Principal): Promise<Batch> {
    const batch = await this.find(id, principal);
    await this.executions.cancelBatch(id);
    return batch;
  }

  private checkSize({ length }: readonly unknown[]): void {
    const { BATCH_MAX_ITEMS } = this.config.values;
    if (length > BATCH_MAX_ITEMS) {
      const problem = `must not hold more than ${BATCH_MAX_ITEMS} requests (BATCH_MAX_ITEMS)`;
      throw invalidRequest([{ field: 'requests', problem }]);
    }
  }

  private async earlier(userId: string, { key, requestHash: hash }: Idempotency): Promise<Batch | undefined> {
    if (key === null) return undefined;
    const found = await this.store.findByIdempotencyKey(userId, key);
    if (found !== undefined && found.requestHash !== hash)
      throw new ClaudeCodeError('E010', 'The idempotency key was used for another batch.');
    return found?.batch;
  }
}

/** Of a standard batch as it was before there were others: keys that were used then stay good. */
const hashOf = ({ requests, mode }: Asked): string =>
  requestHash(mode === 'standard' ? requests : { requests, mode });
