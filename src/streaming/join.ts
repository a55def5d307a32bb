/** Joins what is stored to what comes live, by number: no hole, and nothing twice. */
import type { Subscription } from './event-feed.js';

/** Events a reader that catches up is given per query. */
export const PAGE = 200;

export interface Source<T, Gap> {
  /** Up to PAGE stored items after a number, in order. */
  page: (after: number) => Promise<T[]>;
  subscribe: () => Subscription<T>;
  numberOf: (item: T) => number;
  /** Whether nothing follows this item. */
  isLast: (item: T) => boolean | Promise<boolean>;
  /** Whether nothing will ever come after a number, where what is stored ends. */
  isOver: (after: number) => Promise<boolean>;
  gap: (next: T, last: number) => Gap;
  /** Of each item that was taken while it was new. */
  delivered: (item: T) => void;
}

/** Everything after a number, then live. Stops early, without an error, when `signal` is aborted. */
export async function* join<T, Gap>(
  source: Source<T, Gap>,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<T | Gap, void, void> {
  // Before the log is read: what is written in between comes twice, never not at all.
  const live = source.subscribe();
  let last = after;
  try {
    for (let page = await source.page(last); page.length > 0;) {
      for (const item of page) {
        if (signal.aborted) return;
        last = source.numberOf(item);
        yield item;
        if (await source.isLast(item)) return;
      }
      page = page.length < PAGE ? [] : await source.page(last);
    }
    if (await source.isOver(last)) return;
    while (!signal.aborted) {
      for (const item of await live.take()) {
        const number = source.numberOf(item);
        if (number > last) {
          if (number > last + 1) yield source.gap(item, last);
          last = number;
          yield item;
          source.delivered(item);
        }
        // Also for a reader that asked for numbers which will never come.
        if (await source.isLast(item)) return;
      }
    }
  } finally {
    live.close();
  }
}
