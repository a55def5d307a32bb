/** Hands events that are stored to the readers in this process; what a reader does not take in time is dropped for it. */

/** One reader's place: the newest events that it has not taken yet, at most `capacity` of them. */
export class Subscription<T> {
  private waiting: T[] = [];
  private wake = (): void => undefined;

  constructor(
    private readonly capacity: number,
    private readonly left: AbortSignal,
    private readonly onClose: () => void,
  ) {
    left.addEventListener('abort', () => this.wake(), { once: true });
  }

  offer(event: T): void {
    this.waiting.push(event);
    // The oldest go: the newest hold the end of the execution, which every reader must get.
    if (this.waiting.length > this.capacity) this.waiting.shift();
    this.wake();
  }

  /** Takes all that waits; waits for something when there is nothing. Empty only when the reader has left. */
  async take(): Promise<T[]> {
    if (this.waiting.length === 0 && !this.left.aborted)
      await new Promise<void>((resolve) => (this.wake = resolve));
    return this.waiting.splice(0);
  }

  close(): void {
    this.onClose();
  }
}

/** @typeParam T what readers get of an execution or of a batch, which is known by its id */
export class EventFeed<T> {
  private readonly readers = new Map<string, Set<Subscription<T>>>();

  /** @param prepare makes what readers get; asked only when there is a reader */
  publish(id: string, prepare: () => T): void {
    const readers = this.readers.get(id);
    if (readers === undefined) return;
    const prepared = prepare();
    for (const reader of readers) reader.offer(prepared);
  }

  subscribe(id: string, capacity: number, left: AbortSignal): Subscription<T> {
    const readers = this.readers.get(id) ?? new Set();
    this.readers.set(id, readers);
    const subscription = new Subscription<T>(capacity, left, () => {
      readers.delete(subscription);
      if (readers.size === 0 && this.readers.get(id) === readers) this.readers.delete(id);
    });
    readers.add(subscription);
    return subscription;
  }
}
