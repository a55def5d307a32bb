/** The event log port: stored first, published second, read from any number. */
import { EventEmitter } from 'node:events';
import type { Queryable } from '../persistence/database.js';
import type {
  BatchEvent,
  BatchGap,
  BatchPlace,
  ExecutionEvent,
  Fact,
  RecordedEvent,
  StreamItem,
} from './execution-event.js';

/** Thrown when a write carries an attempt that is no longer the execution's: its worker was given up for lost. */
export class FencedError extends Error {
  override readonly name = 'FencedError';

  constructor(executionId: string, attempt: number) {
    super(`attempt ${attempt} of execution ${executionId} no longer holds it`);
  }
}

/** The first fact of an execution, with its place when the execution is of a batch. */
export interface First {
  executionId: string;
  fact: Fact;
  place?: BatchPlace;
}

export abstract class EventLog {
  /**
   * Tells of every event that a live reader has taken how old it was then, in milliseconds. Node's own emitter: this is
   * said once for each event and reader, and an asynchronous one was 3 to 5 % of a fan-out's profile.
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
  ): Promise<RecordedEvent[]>;

  /** Stores events number 1 of executions that this transaction inserts; their rows and their batch's count them already. */
  abstract recordFirst(db: Queryable, firsts: readonly First[]): Promise<RecordedEvent[]>;

  /** Hands stored events to the readers that follow. */
  abstract publish(events: readonly RecordedEvent[]): void;

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

  /** The same for all executions of a batch, by the number an event has there; ends after the end of the last one. */
  abstract followBatch(
    batchId: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<BatchEvent | BatchGap, void, void>;
}
