/** Hands events that are stored to the readers in this process; what a reader does not take in time is dropped for it. */

/** What a reader is given when it asks for what is new. */
export interface News<T> {
  items: T[];
  /** Whether some were dropped since the last time, because the reader was too slow. */
  dropped: boolean;
  /** Whether the log must be looked into: something may be there that never came. */
  look: boolean;
}

/** One reader's place: the newest events that it has not taken yet, at most `capacity` of them. */
export class Subscription<T> {
  private waiting: T[] = [];
  private dropped = false;
  /** The newest number in the log, as far as somebody has told. */
  private newest?: number;
  private toldAnew = false;
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
    if (this.waiting.length > this.capacity) {
      this.waiting.shift();
      this.dropped = true;
    }
    this.wake();
  }

  /** Tells the number of the newest event in the log, whether or not it ever came here. */
  stored(newest: number): void {
    if (newest === this.newest) return;
    this.newest = newest;
    this.toldAnew = true;
    this.wake();
  }

  /**
   * Takes all that waits; waits for something when there is nothing. Empty only when the reader has left.
   * @param last number that the reader has
   * @param asked whether that is still the one it came with, which may be beyond all that will ever be
   */
  async take(last: number, asked: boolean): Promise<News<T>> {
    while (this.waiting.length === 0 && !this.mustLook(last, asked) && !this.left.aborted)
      await new Promise<void>((resolve) => (this.wake = resolve));
    const news = {
      items: this.waiting.splice(0),
      dropped: this.dropped,
      look: this.mustLook(last, asked),
    };
    this.dropped = false;
    this.toldAnew = false;
    return news;
  }

  close(): void {
    this.onClose();
  }

  private mustLook(last: number, asked: boolean): boolean {
    return this.toldAnew && this.newest !== undefined && (this.newest > last || asked);
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
    const subscription = new Subscription<T>(capacity, left, () => {
      readers.delete(subscription);
      if (readers.size > 0 || this.readers.get(id) !== readers) return;
      this.readers.delete(id);
      this.deserted(id);
    });
    readers.add(subscription);
    if (readers.size === 1) {
      this.readers.set(id, readers);
      this.followed(id);
    }
    return subscription;
  }

  /** Those that have a reader here. */
  protected get ids(): string[] {
    return [...this.readers.keys()];
  }

  protected stored(id: string, newest: number): void {
    for (const reader of this.readers.get(id) ?? []) reader.stored(newest);
  }

  /** The first reader has come. */
  protected followed(_id: string): void {
    return;
  }

  /** The last reader has gone. */
  protected deserted(_id: string): void {
    return;
  }
}
