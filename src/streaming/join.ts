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

/**
 * Everything after a number, then live. Stops early, without an error, when `signal` is aborted.
 *
 * What comes live is never trusted to be all: from other processes it comes in any order, twice or not at all. What is
 * missing is read from the log; only a reader that was too slow is told of a gap instead.
 */
export async function* join<T, Gap>(
  source: Source<T, Gap>,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<T | Gap, void, void> {
  // Before the log is read: what is written in between comes twice, never not at all.
  const live = source.subscribe();
  let last = after;

  /** Says all that the log has after the last one. @returns whether nothing follows */
  async function* fromLog(taken: (item: T) => void): AsyncGenerator<T, boolean, void> {
    for (let page = await source.page(last); page.length > 0;) {
      for (const item of page) {
        if (signal.aborted) return true;
        last = source.numberOf(item);
        yield item;
        taken(item);
        if (await source.isLast(item)) return true;
      }
      page = page.length < PAGE ? [] : await source.page(last);
    }
    return false;
  }

  try {
    if (yield* fromLog(() => undefined)) return;
    if (await source.isOver(last)) return;
    while (!signal.aborted) {
      const news = await live.take(last, last === after);
      let { dropped } = news;
      for (const item of news.items) {
        const number = source.numberOf(item);
        if (number > last + 1) {
          if (dropped) yield source.gap(item, last);
          else if (yield* fromLog(source.delivered)) return;
          // The log is the truth: what says that it comes after events that are not there is not one.
          else if (number > last + 1) continue;
          dropped = false;
        }
        if (number > last) {
          last = number;
          yield item;
          source.delivered(item);
        }
        // Also for a reader that asked for numbers which will never come.
        if (await source.isLast(item)) return;
      }
      if (news.look) {
        if (yield* fromLog(source.delivered)) return;
        if (await source.isOver(last)) return;
      }
    }
  } finally {
    live.close();
  }
}
