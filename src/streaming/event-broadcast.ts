/**
 * The port that carries stored events to their readers, in this process and in others. It may lose, repeat and mix up
 * what goes between processes: readers count, and look into the log (`join.ts`).
 */
import type { BatchEvent, ExecutionEvent } from '../execution/execution-event.js';
import { EventFeed } from './event-feed.js';

export abstract class EventBroadcast {
  /** By the id of the execution. */
  abstract readonly executions: EventFeed<ExecutionEvent>;
  /** By the id of the batch. */
  abstract readonly batches: EventFeed<BatchEvent>;
}

/** For a process that is alone: nothing is lost here. */
export class InProcessBroadcast extends EventBroadcast {
  readonly executions = new EventFeed<ExecutionEvent>();
  readonly batches = new EventFeed<BatchEvent>();
}
