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
import { EXECUTION_STATUSES, type ExecutionStatus } from '../execution/execution-state.js';
import { chunks } from '../persistence/chunks.js';
import { Database, type Queryable } from '../persistence/database.js';
import { patiently } from '../persistence/patiently.js';
import type { EventsTable } from '../persistence/schema.js';
import { cutEvent } from './cut-event.js';
import { EventBroadcast } from './event-broadcast.js';
import { join, PAGE } from './join.js';

/**
 * Somebody else may have ended it, or let it wait for its next attempt, which has not begun: its number is still that of the
 * attempt that lost it, which writes nothing more.
 */
const UNDER_WAY = ['starting', 'running'] as const satisfies ExecutionStatus[];

interface Entry {
  executionId: string;
  attempt: number;
  facts: readonly Fact[];
}

interface Append extends Entry {
  done: PromiseWithResolvers<void>;
}

@Injectable()
export class StoredEventLog extends EventLog {
  private pending: Append[] = [];
  private writing = false;

  constructor(
    private readonly database: Database,
    private readonly broadcast: EventBroadcast,
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
    const [result] = await this.recordAll(db, [{ executionId, attempt, facts }], EXECUTION_STATUSES);
    if (Array.isArray(result)) return result;
    throw result instanceof FencedError ? result : new FencedError(executionId, attempt);
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
      this.broadcast.executions.publish(event.executionId, () => this.cut(event));
      if (place !== undefined)
        this.broadcast.batches.publish(place.batchId, () => ({ ...this.cut(event), ...place }));
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
        subscribe: () =>
          this.broadcast.executions.subscribe(executionId, this.config.values.STREAM_BUFFER_EVENTS, signal),
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
        subscribe: () =>
          this.broadcast.batches.subscribe(batchId, this.config.values.STREAM_BUFFER_EVENTS, signal),
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
          this.database.transaction().execute((db) => this.recordAll(db, batch, UNDER_WAY)),
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

  /** What was fenced off wrote nothing: its update found no row. */
  private async recordAll(
    db: Queryable,
    appends: readonly Entry[],
    states: readonly ExecutionStatus[],
  ): Promise<(RecordedEvent[] | FencedError)[]> {
    const counted = [];
    for (const append of appends)
      counted.push({ ...append, row: await countInExecution(db, append, states) });
    const nextInBatch = await countInBatches(
      db,
      counted.flatMap(({ row, facts }) =>
        row?.batchId ? [{ batchId: row.batchId, count: facts.length }] : [],
      ),
    );
    const at = Date.now();
    const results = counted.map(({ executionId, attempt, facts, row }) => {
      if (row === undefined) return new FencedError(executionId, attempt);
      const { lastSeq, batchId, position } = row;
      const first = lastSeq - facts.length + 1;
      return facts.map((fact, index): RecordedEvent => ({
        event: { executionId, seq: first + index, at, ...fact },
        ...(batchId === null || position === null
          ? {}
          : { place: { batchId, batchSeq: nextInBatch(batchId), position } }),
      }));
    });
    await this.insert(
      db,
      results.flatMap((result) => (result instanceof FencedError ? [] : result)),
    );
    return results;
  }
}

/** Counts further events in the row of their execution; undefined when the attempt does not hold it. */
const countInExecution = (
  db: Queryable,
  { executionId, attempt, facts }: Entry,
  states: readonly ExecutionStatus[],
) =>
  db
    .updateTable('executions')
    .set((eb) => ({ lastSeq: eb('lastSeq', '+', facts.length) }))
    .where('id', '=', executionId)
    .where('attempt', '=', attempt)
    .where('status', 'in', states)
    .returning(['lastSeq', 'batchId', 'position'])
    .executeTakeFirst();

/**
 * Counts further events in the rows of their batches, which order all writers. In one order, as all processes do it: two that
 * each held a batch the other wants would wait for each other.
 * @returns gives out the numbers of a batch, one after the other
 */
async function countInBatches(
  db: Queryable,
  further: readonly { batchId: string; count: number }[],
): Promise<(batchId: string) => number> {
  const counts = new Map<string, number>();
  for (const { batchId, count } of further) counts.set(batchId, (counts.get(batchId) ?? 0) + count);
  const next = new Map<string, number>();
  for (const [batchId, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { lastSeq } = await db
      .updateTable('batches')
      .set((eb) => ({ lastSeq: eb('lastSeq', '+', count) }))
      .where('id', '=', batchId)
      .returning('lastSeq')
      .executeTakeFirstOrThrow();
    next.set(batchId, lastSeq - count + 1);
  }
  return (batchId) => {
    const number = next.get(batchId) ?? 0;
    next.set(batchId, number + 1);
    return number;
  };
}

/** The rows are what `insert` wrote from facts. */
const eventOf = ({ executionId, seq, at, type, data }: Selectable<EventsTable>): ExecutionEvent =>
  ({ executionId, seq, at, type, data: JSON.parse(data) as unknown }) as ExecutionEvent;

const gap = (after: number, before: number) => ({
  at: Date.now(),
  type: 'stream.gap' as const,
  data: { after, before },
});
