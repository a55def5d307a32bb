/** When a failed try at the model service is repeated, and after how long. */
import type { IncomingHttpHeaders } from 'node:http';

/** First delay and largest delay in milliseconds: those of Anthropic's own clients. */
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 8_000;
/** A longer Retry-After is not waited for: an execution lives 300 s by default, and its caller can decide better. */
const MAX_RETRY_AFTER_SECONDS = 30;

/** 429, 529 (overloaded) and every other 5xx; upstream's own `x-should-retry: false` overrules. */
export function isRetryable(status: number, headers: IncomingHttpHeaders = {}): boolean {
  return (status === 429 || status >= 500) && headers['x-should-retry'] !== 'false';
}

/**
 * Milliseconds before the next try.
 * @param attempt number of tries made so far, from 1
 * @param retryAfter seconds that upstream asked for, if it did
 * @param random in [0, 1): up to a quarter is taken off, so that many sandboxes don't come back in step
 * @returns undefined when upstream wants more patience than MAX_RETRY_AFTER_SECONDS
 */
export function retryDelay(
  attempt: number,
  retryAfter: number | undefined,
  random: number,
): number | undefined {
  if (retryAfter !== undefined) return retryAfter <= MAX_RETRY_AFTER_SECONDS ? retryAfter * 1000 : undefined;
  return Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), MAX_DELAY_MS) * (1 - random / 4);
}

/** Seconds of a Retry-After header, given in seconds or as an HTTP date; undefined when absent or not understood. */
export function parseRetryAfter(value: string | string[] | undefined, now = Date.now()): number | undefined {
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}
