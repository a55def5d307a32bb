/** The event log port: stored first, published second, read from any number. */
import { EventEmitter } from 'node:events';
import type { Queryable } from '../persistence/database.js';
import type { ExecutionEvent, Fact, StreamItem } from './execution-event.js';

/** Thrown when a write carries an attempt that is no longer the execution's: its worker was given up for lost. */
export class FencedError extends Error {
  override readonly name = 'FencedError';

  constructor(executionId: string, attempt: number) {
    super(`attempt ${attempt} of execution ${executionId} no longer holds it`);
  }
}

export abstract class EventLog {
  /**
   * Tells of every event that a live reader has taken how old it was then, in milliseconds. Node's own emitter: this is
   * said once for each event and reader, and an asynchronous one cost as much as putting the event into words.
   */
  readonly deliveries = new EventEmitter<{ delivered: [{ lagMs: number }] }>();

  /**
   * Numbers, stores and publishes facts of a running attempt; resolves when they are durable.
   * @throws FencedError when the attempt has lost the execution
   */
  abstract append(executionId: string, attempt: number, facts: readonly Fact[]): Promise<void>;

  /**
   * Numbers and stores facts within the caller's transaction; the caller publishes what is returned after its commit.
   * @throws FencedError when the attempt has lost the execution
   */
  abstract record(
    db: Queryable,
    executionId: string,
    attempt: number,
    facts: readonly Fact[],
  ): Promise<ExecutionEvent[]>;

  /** Hands stored events to the readers that follow. */
  abstract publish(events: readonly ExecutionEvent[]): void;

  /** Up to `limit` events after number `after`, in order, whole. */
  abstract read(executionId: string, after: number, limit: number): Promise<ExecutionEvent[]>;

  /**
   * Everything after number `after`, then live, ending after `execution.finished`. Events above EVENT_MAX_BYTES come cut.
   * A reader that does not keep up gets `stream.gap`. Stops early, without an error, when `signal` is aborted.
   */
  abstract follow(
    executionId: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<StreamItem, void, void>;
}
