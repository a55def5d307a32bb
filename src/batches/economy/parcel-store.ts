/** The parcels table, and who of several processes carries which batch of mode economy. */
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { presentProcesses } from '../../cluster/present.js';
import { Database, type Queryable } from '../../persistence/database.js';
import type { Batch } from '../batch.js';
import { fromRow } from '../batch-store.js';

/** What of a batch the model's service has as one Message Batch. */
export interface Parcel {
  /** The service's. */
  id: string;
  batchId: string;
  /** Epoch milliseconds: when it was asked to leave the rest undone. */
  cancelledAt?: number;
}

@Injectable()
export class ParcelStore {
  constructor(private readonly database: Database) {}

  /** Batches that are not settled with the service, oldest first. */
  async underWay(): Promise<Batch[]> {
    const rows = await this.database
      .selectFrom('batches')
      .selectAll()
      .where('mode', '=', sql.lit('economy'))
      .where('closedAt', 'is', null)
      .orderBy('id')
      .execute();
    return rows.map(fromRow);
  }

  /** Makes a batch this process's, unless another one has it that is there; to the end of the caller's transaction it stays so. */
  async take(db: Queryable, batchId: string, processId: string): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('batches')
      .set({ processId })
      .where('id', '=', batchId)
      .where('closedAt', 'is', null)
      .where((eb) =>
        eb.or([
          eb('processId', 'is', null),
          eb('processId', '=', processId),
          eb('processId', 'not in', presentProcesses(db)),
        ]),
      )
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  async insert(db: Queryable, { id, batchId }: Parcel): Promise<void> {
    await db.insertInto('parcels').values({ id, batchId, sentAt: Date.now() }).execute();
  }

  /** Those of a batch whose results were not all taken. */
  async open(batchId: string): Promise<Parcel[]> {
    const rows = await this.database
      .selectFrom('parcels')
      .select(['id', 'batchId', 'cancelledAt'])
      .where('batchId', '=', batchId)
      .where('closedAt', 'is', null)
      .orderBy('sentAt')
      .execute();
    return rows.map(({ cancelledAt, ...parcel }) => ({ ...parcel, cancelledAt: cancelledAt ?? undefined }));
  }

  async cancelled({ id }: Parcel): Promise<void> {
    await this.database
      .updateTable('parcels')
      .set({ cancelledAt: Date.now() })
      .where('id', '=', id)
      .execute();
  }

  async close({ id }: Parcel): Promise<void> {
    await this.database.updateTable('parcels').set({ closedAt: Date.now() }).where('id', '=', id).execute();
  }

  async closeBatch(batchId: string): Promise<void> {
    await this.database
      .updateTable('batches')
      .set({ closedAt: Date.now() })
      .where('id', '=', batchId)
      .execute();
  }
}
