/** The batches table: who asked for what together. The state of a batch is that of its executions. */
import { Injectable } from '@nestjs/common';
import type { Selectable } from 'kysely';
import type { Idempotency } from '../execution/execution-store.js';
import { Database, type Queryable } from '../persistence/database.js';
import type { BatchesTable } from '../persistence/schema.js';
import type { Batch, BatchMode } from './batch.js';

@Injectable()
export class BatchStore {
  constructor(private readonly database: Database) {}

  async insert(db: Queryable, batch: Batch, { key, requestHash }: Idempotency): Promise<void> {
    await db
      .insertInto('batches')
      .values({ ...batch, idempotencyKey: key, requestHash })
      .execute();
  }

  async find(id: string): Promise<Batch | undefined> {
    const row = await this.database.selectFrom('batches').selectAll().where('id', '=', id).executeTakeFirst();
    return row && fromRow(row);
  }

  /** The batch this user made under this key, with the hash of its body. */
  async findByIdempotencyKey(
    userId: string,
    key: string,
  ): Promise<{ batch: Batch; requestHash: string } | undefined> {
    const row = await this.database
      .selectFrom('batches')
      .selectAll()
      .where('userId', '=', userId)
      .where('idempotencyKey', '=', key)
      .executeTakeFirst();
    return row && { batch: fromRow(row), requestHash: row.requestHash };
  }

  /** Newest first. @param before only batches made before this one */
  async list(userId: string, before: string | undefined, limit: number): Promise<Batch[]> {
    let rows = this.database.selectFrom('batches').selectAll().where('userId', '=', userId);
    if (before !== undefined) rows = rows.where('id', '<', before);
    return (await rows.orderBy('id', 'desc').limit(limit).execute()).map(fromRow);
  }

  /** Removes up to `limit` batches made before `time` that have no execution any more; answers how many. */
  async removeEmptyBefore(time: number, limit: number): Promise<number> {
    const empty = this.database
      .selectFrom('batches')
      .select('id')
      .where('createdAt', '<', time)
      .where((eb) =>
        eb.not(
          eb.exists(
            eb.selectFrom('executions').select('id').whereRef('executions.batchId', '=', 'batches.id'),
          ),
        ),
      )
      .limit(limit);
    const { numDeletedRows } = await this.database
      .deleteFrom('batches')
      .where('id', 'in', empty)
      .executeTakeFirst();
    return Number(numDeletedRows);
  }
}

/** The column holds what `insert` wrote, so the closed vocabulary can be trusted. */
export const fromRow = ({
  idempotencyKey: _key,
  requestHash: _hash,
  processId: _processId,
  closedAt: _closedAt,
  ...batch
}: Selectable<BatchesTable>): Batch => ({ ...batch, mode: batch.mode as BatchMode });
