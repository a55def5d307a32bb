/** The HTTP headers that go with an error. */
import type { ErrorBody } from './claude-code.error.js';

/** Seconds in `Retry-After` when whoever refused could not tell. */
const DEFAULT_RETRY_AFTER = 5;

/** `Retry-After` for what passes by itself, `WWW-Authenticate` for what wants a key (RFC 9110, 10.2.3 and 11.6.1). */
export function errorHeaders(
  { code, details }: ErrorBody,
  retryAfter = retryAfterOf(details),
): Record<string, string> {
  if (code === 'E007') return { 'WWW-Authenticate': 'Bearer' };
  if (retryAfter !== undefined) return { 'Retry-After': String(Math.ceil(retryAfter)) };
  return code === 'E002' || code === 'E012' ? { 'Retry-After': String(DEFAULT_RETRY_AFTER) } : {};
}

const retryAfterOf = (details: unknown): number | undefined =>
  typeof details === 'object' &&
  details !== null &&
  'retryAfter' in details &&
  typeof details.retryAfter === 'number'
    ? details.retryAfter
    : undefined;
