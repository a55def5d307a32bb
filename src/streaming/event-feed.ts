/** Hands events that are stored to the readers in this process; what a reader does not take in time is dropped for it. */
import type { ExecutionEvent } from '../execution/execution-event.js';

/** One reader's place: the newest events that it has not taken yet, at most `capacity` of them. */
export class Subscription {
  private waiting: ExecutionEvent[] = [];
  private wake = (): void => undefined;

  constructor(
    private readonly capacity: number,
    private readonly left: AbortSignal,
    private readonly onClose: () => void,
  ) {
    left.addEventListener('abort', () => this.wake(), { once: true });
  }

  offer(event: ExecutionEvent): void {
    this.waiting.push(event);
    // The oldest go: the newest hold the end of the execution, which every reader must get.
    if (this.waiting.length > this.capacity) this.waiting.shift();
    this.wake();
  }

  /** Takes all that waits; waits for something when there is nothing. Empty only when the reader has left. */
  async take(): Promise<ExecutionEvent[]> {
    if (this.waiting.length === 0 && !this.left.aborted)
      await new Promise<void>((resolve) => (this.wake = resolve));
    return this.waiting.splice(0);
  }

  close(): void {
    this.onClose();
  }
}

export class EventFeed {
  private readonly readers = new Map<string, Set<Subscription>>();

  /** @param prepare makes of an event what readers get; asked only when there is a reader */
  publish(events: readonly ExecutionEvent[], prepare: (event: ExecutionEvent) => ExecutionEvent): void {
    for (const event of events) {
      const readers = this.readers.get(event.executionId);
      if (readers === undefined) continue;
      const prepared = prepare(event);
      for (const reader of readers) reader.offer(prepared);
    }
  }

  subscribe(executionId: string, capacity: number, left: AbortSignal): Subscription {
    const readers = this.readers.get(executionId) ?? new Set();
    this.readers.set(executionId, readers);
    const subscription = new Subscription(capacity, left, () => {
      readers.delete(subscription);
      if (readers.size === 0 && this.readers.get(executionId) === readers) this.readers.delete(executionId);
    });
    readers.add(subscription);
    return subscription;
  }
}
