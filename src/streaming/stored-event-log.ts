/** The event log over the database: one commit for all that is written at the same moment, then the readers. */
import { Injectable } from '@nestjs/common';
import type { Selectable } from 'kysely';
import { Config } from '../config/config.js';
import { EventLog, FencedError, type First } from '../execution/event-log.js';
import type {
  BatchEvent,
  BatchGap,
  ExecutionEvent,
  Fact,
  RecordedEvent,
  StreamGap,
  StreamItem,
} from '../execution/execution-event.js';
import { chunks } from '../persistence/chunks.js';
import { Database, type Queryable } from '../persistence/database.js';
import { patiently } from '../persistence/patiently.js';
import type { EventsTable } from '../persistence/schema.js';
import { cutEvent } from './cut-event.js';
import { EventFeed } from './event-feed.js';
import { join, PAGE } from './join.js';

interface Append {
  executionId: string;
  attempt: number;
  facts: readonly Fact[];
  done: PromiseWithResolvers<void>;
}

@Injectable()
export class StoredEventLog extends EventLog {
  private readonly feed = new EventFeed<ExecutionEvent>();
  private readonly batchFeed = new EventFeed<BatchEvent>();
  private pending: Append[] = [];
  private writing = false;

  constructor(
    private readonly database: Database,
    private readonly config: Config,
  ) {
    super();
  }

  append(executionId: string, attempt: number, facts: readonly Fact[]): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.pending.push({ executionId, attempt, facts, done });
    if (!this.writing) void this.writePending();
    return done.promise;
  }

  async record(
    db: Queryable,
    executionId: string,
    attempt: number,
    facts: readonly Fact[],
  ): Promise<RecordedEvent[]> {
    const row = await db
      .updateTable('executions')
      .set((eb) => ({ lastSeq: eb('lastSeq', '+', facts.length) }))
      .where('id', '=', executionId)
      .where('attempt', '=', attempt)
      .returning(['lastSeq', 'batchId', 'position'])
      .executeTakeFirst();
    if (row === undefined) throw new FencedError(executionId, attempt);
    const first = row.lastSeq - facts.length + 1;
    const { batchId, position } = row;
    const at = Date.now();
    const firstOfBatch = batchId === null ? 0 : await countInBatch(db, batchId, facts.length);
    return this.insert(
      db,
      facts.map((fact, index) => ({
        event: { executionId, seq: first + index, at, ...fact },
        ...(batchId === null || position === null
          ? {}
          : { place: { batchId, batchSeq: firstOfBatch + index, position } }),
      })),
    );
  }

  recordFirst(db: Queryable, firsts: readonly First[]): Promise<RecordedEvent[]> {
    const at = Date.now();
    return this.insert(
      db,
      firsts.map(({ executionId, fact, place }) => ({ event: { executionId, seq: 1, at, ...fact }, place })),
    );
  }

  private async insert(db: Queryable, events: RecordedEvent[]): Promise<RecordedEvent[]> {
    const rows = events.map(({ event, place }) => ({
      ...event,
      data: JSON.stringify(event.data),
      batchId: place?.batchId ?? null,
      batchSeq: place?.batchSeq ?? null,
    }));
    for await (const some of chunks(rows)) await db.insertInto('events').values(some).execute();
    return events;
  }

  publish(events: readonly RecordedEvent[]): void {
    for (const { event, place } of events) {
      this.feed.publish(event.executionId, () => this.cut(event));
      if (place !== undefined)
        this.batchFeed.publish(place.batchId, () => ({ ...this.cut(event), ...place }));
    }
  }

  async read(executionId: string, after: number, limit: number): Promise<ExecutionEvent[]> {
    const rows = await this.database
      .selectFrom('events')
      .selectAll()
      .where('executionId', '=', executionId)
      .where('seq', '>', after)
      .orderBy('seq')
      .limit(limit)
      .execute();
    return rows.map(eventOf);
  }

  follow(executionId: string, after: number, signal: AbortSignal): AsyncGenerator<StreamItem, void, void> {
    return join<ExecutionEvent, StreamGap>(
      {
        page: async (last) => (await this.read(executionId, last, PAGE)).map((event) => this.cut(event)),
        subscribe: () => this.feed.subscribe(executionId, this.config.values.STREAM_BUFFER_EVENTS, signal),
        numberOf: ({ seq }) => seq,
        isLast: ({ type }) => type === 'execution.finished',
        isOver: (last) => this.isOver(executionId, last),
        gap: ({ seq }, last) => ({ executionId, seq: last, ...gap(last, seq) }),
        delivered: ({ at }) => this.delivered(at),
      },
      after,
      signal,
    );
  }

  followBatch(
    batchId: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<BatchEvent | BatchGap, void, void> {
    return join<BatchEvent, BatchGap>(
      {
        page: (last) => this.readBatch(batchId, last),
        subscribe: () => this.batchFeed.subscribe(batchId, this.config.values.STREAM_BUFFER_EVENTS, signal),
        numberOf: ({ batchSeq }) => batchSeq,
        isLast: ({ type, batchSeq }) => type === 'execution.finished' && this.isBatchOver(batchId, batchSeq),
        isOver: (last) => this.isBatchOver(batchId, last),
        gap: ({ batchSeq }, last) => ({ batchId, batchSeq: last, ...gap(last, batchSeq) }),
        delivered: ({ at }) => this.delivered(at),
      },
      after,
      signal,
    );
  }

  private cut(event: ExecutionEvent): ExecutionEvent {
    return cutEvent(event, this.config.values.EVENT_MAX_BYTES);
  }

  private async readBatch(batchId: string, after: number): Promise<BatchEvent[]> {
    const rows = await this.database
      .selectFrom('events')
      .innerJoin('executions', 'executions.id', 'events.executionId')
      .selectAll('events')
      .select('executions.position')
      .where('events.batchId', '=', batchId)
      .where('events.batchSeq', '>', after)
      .orderBy('events.batchSeq')
      .limit(PAGE)
      .execute();
    return rows.map(({ position, ...row }) => ({
      ...this.cut(eventOf(row)),
      batchId,
      batchSeq: row.batchSeq ?? 0,
      position: position ?? 0,
    }));
  }

  /** Whether all of a batch have ended and nothing is stored after a number. */
  private async isBatchOver(batchId: string, last: number): Promise<boolean> {
    const more = () =>
      this.database
        .selectFrom('events')
        .select('seq')
        .where('batchId', '=', batchId)
        .where('batchSeq', '>', last)
        .limit(1)
        .executeTakeFirst();
    const unended = () =>
      this.database
        .selectFrom('executions')
        .select('id')
        .where('batchId', '=', batchId)
        .where('endedAt', 'is', null)
        .limit(1)
        .executeTakeFirst();
    // First what is cheap and mostly true; asked again at the end, for what was written while the second was answered.
    return !(await more()) && !(await unended()) && !(await more());
  }

  private delivered(at: number): void {
    this.deliveries.emit('delivered', { lagMs: Math.max(0, Date.now() - at) });
  }

  /** Whether a reader that asked for more than there is will never get anything. */
  private async isOver(executionId: string, last: number): Promise<boolean> {
    const row = await this.database
      .selectFrom('executions')
      .select('lastSeq')
      .where('id', '=', executionId)
      .where('endedAt', 'is not', null)
      .executeTakeFirst();
    return row !== undefined && row.lastSeq <= last;
  }

  /**
   * A commit with synchronous=FULL costs a disk flush, so all that waits shares one. Each append is fenced for itself:
   * one that lost its execution fails alone.
   */
  private async writePending(): Promise<void> {
    this.writing = true;
    while (this.pending.length > 0) {
      const batch = this.pending.splice(0);
      try {
        const results = await patiently(() =>
          this.database.transaction().execute((db) => this.recordAll(db, batch)),
        );
        for (const [index, { done }] of batch.entries()) {
          const result = results[index];
          if (result instanceof FencedError || result === undefined) done.reject(result);
          else {
            this.publish(result);
            done.resolve();
          }
        }
      } catch (error) {
        for (const { done } of batch) done.reject(error);
      }
    }
    this.writing = false;
  }

  private async recordAll(db: Queryable, batch: Append[]): Promise<(RecordedEvent[] | FencedError)[]> {
    const results = [];
    for (const { executionId, attempt, facts } of batch)
      results.push(
        await this.record(db, executionId, attempt, facts).catch((error: unknown) => {
          if (error instanceof FencedError) return error; // nothing was written: the update found no row
          throw error;
        }),
      );
    return results;
  }
}

/** Counts further events in the row of their batch, which orders all its writers; answers the number of the first. */
async function countInBatch(db: Queryable, batchId: string, count: number): Promise<number> {
  const { lastSeq } = await db
    .updateTable('batches')
    .set((eb) => ({ lastSeq: eb('lastSeq', '+', count) }))
    .where('id', '=', batchId)
    .returning('lastSeq')
    .executeTakeFirstOrThrow();
  return lastSeq - count + 1;
}

/** The rows are what `insert` wrote from facts. */
const eventOf = ({ executionId, seq, at, type, data }: Selectable<EventsTable>): ExecutionEvent =>
  ({ executionId, seq, at, type, data: JSON.parse(data) as unknown }) as ExecutionEvent;

const gap = (after: number, before: number) => ({
  at: Date.now(),
  type: 'stream.gap' as const,
  data: { after, before },
});
