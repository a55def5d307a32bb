/** Counts calls in this process by a clock that nobody can set: a jump of the wall clock neither blocks nor frees anyone. */
import { Injectable } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';

export type Counted = Awaited<ReturnType<ThrottlerStorage['increment']>>;

interface Window {
  hits: number;
  /** Whole milliseconds of `performance.now()`. */
  endsAt: number;
  /** Until when every call is refused; 0 = not. */
  blockedUntil: number;
}

/** Calls between two searches for windows that are over: many addresses that call once must not stay for ever. */
const SWEEP_EVERY = 1000;

@Injectable()
export class WindowCounters implements ThrottlerStorage {
  private readonly windows = new Map<string, Window>();
  private calls = 0;

  /** @param blockMs for so long a caller that passed `limit` is refused */
  increment(key: string, windowMs: number, limit: number, blockMs: number): Promise<Counted> {
    // Whole, for sums to be exact: (now + 60 000) − now may be a trifle above 60 000, which would be told as 61 seconds.
    const now = Math.floor(performance.now());
    if (++this.calls % SWEEP_EVERY === 0) this.sweep(now);
    const window = this.windowOf(key, now, windowMs);
    if (window.blockedUntil === 0) {
      window.hits += 1;
      if (window.hits > limit) window.blockedUntil = now + blockMs;
    }
    return Promise.resolve({
      totalHits: window.hits,
      timeToExpire: seconds(window.endsAt - now),
      isBlocked: window.blockedUntil > now,
      timeToBlockExpire: seconds(window.blockedUntil - now),
    });
  }

  private windowOf(key: string, now: number, windowMs: number): Window {
    const known = this.windows.get(key);
    if (known !== undefined && !isOver(known, now)) return known;
    const begun = { hits: 0, endsAt: now + windowMs, blockedUntil: 0 };
    this.windows.set(key, begun);
    return begun;
  }

  private sweep(now: number): void {
    for (const [key, window] of this.windows) if (isOver(window, now)) this.windows.delete(key);
  }
}

/** A blocked caller's window is over when the block is. */
const isOver = ({ blockedUntil, endsAt }: Window, now: number): boolean => (blockedUntil || endsAt) <= now;

export const seconds = (milliseconds: number): number => Math.max(0, Math.ceil(milliseconds / 1000));
