/** The event log over the database: one commit for all that is written at the same moment, then the readers. */
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { EventLog, FencedError } from '../execution/event-log.js';
import type { ExecutionEvent, Fact, StreamItem } from '../execution/execution-event.js';
import { Database, type Queryable } from '../persistence/database.js';
import { patiently } from '../persistence/patiently.js';
import { cutEvent } from './cut-event.js';
import { EventFeed } from './event-feed.js';

/** Events a reader that catches up is given per query. */
const PAGE = 200;

interface Append {
  executionId: string;
  attempt: number;
  facts: readonly Fact[];
  done: PromiseWithResolvers<void>;
}

@Injectable()
export class StoredEventLog extends EventLog {
  private readonly feed = new EventFeed();
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
  ): Promise<ExecutionEvent[]> {
    const row = await db
      .updateTable('executions')
      .set((eb) => ({ lastSeq: eb('lastSeq', '+', facts.length) }))
      .where('id', '=', executionId)
      .where('attempt', '=', attempt)
      .returning('lastSeq')
      .executeTakeFirst();
    if (row === undefined) throw new FencedError(executionId, attempt);
    const first = row.lastSeq - facts.length + 1;
    const at = Date.now();
    const events = facts.map((fact, index): ExecutionEvent => ({
      executionId,
      seq: first + index,
      at,
      ...fact,
    }));
    await db
      .insertInto('events')
      .values(events.map((event) => ({ ...event, data: JSON.stringify(event.data) })))
      .execute();
    return events;
  }

  publish(events: readonly ExecutionEvent[]): void {
    this.feed.publish(events, (event) => cutEvent(event, this.config.values.EVENT_MAX_BYTES));
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
    // The rows are what `record` wrote from facts.
    return rows.map((row) => ({ ...row, data: JSON.parse(row.data) as unknown }) as ExecutionEvent);
  }

  async *follow(
    executionId: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<StreamItem, void, void> {
    const { STREAM_BUFFER_EVENTS, EVENT_MAX_BYTES } = this.config.values;
    // Subscribed before the log is read: what is written in between comes twice, never not at all.
    const subscription = this.feed.subscribe(executionId, STREAM_BUFFER_EVENTS, signal);
    let last = after;
    try {
      for (let page = await this.read(executionId, last, PAGE); page.length > 0;) {
        for (const event of page) {
          if (signal.aborted) return;
          last = event.seq;
          yield cutEvent(event, EVENT_MAX_BYTES);
          if (event.type === 'execution.finished') return;
        }
        page = page.length < PAGE ? [] : await this.read(executionId, last, PAGE);
      }
      if (await this.isOver(executionId, last)) return;
      while (!signal.aborted) {
        for (const event of await subscription.take()) {
          if (event.seq <= last) continue;
          if (event.seq > last + 1) yield gap(event, last);
          last = event.seq;
          yield event;
          this.deliveries.emit('delivered', { lagMs: Math.max(0, Date.now() - event.at) });
          if (event.type === 'execution.finished') return;
        }
      }
    } finally {
      subscription.close();
    }
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

  private async recordAll(db: Queryable, batch: Append[]): Promise<(ExecutionEvent[] | FencedError)[]> {
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

const gap = (next: ExecutionEvent, last: number): StreamItem => ({
  executionId: next.executionId,
  seq: last,
  at: Date.now(),
  type: 'stream.gap',
  data: { after: last, before: next.seq },
});
