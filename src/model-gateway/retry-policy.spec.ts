import { isRetryable, parseRetryAfter, retryDelay } from './retry-policy.js';

describe('the retry policy', () => {
  it.each([429, 500, 502, 503, 529])('tries again after %d', (status) =>
    expect(isRetryable(status)).toBe(true),
  );
  it.each([200, 400, 401, 403, 404, 413])('does not after %d', (status) =>
    expect(isRetryable(status)).toBe(false),
  );

  it('believes upstream when it says that trying again is of no use', () => {
    expect(isRetryable(503, { 'x-should-retry': 'false' })).toBe(false);
  });

  it('doubles the delay up to eight seconds, less up to a quarter', () => {
    expect([1, 2, 3, 4, 5, 6, 10].map((attempt) => retryDelay(attempt, undefined, 0))).toEqual([
      500, 1000, 2000, 4000, 8000, 8000, 8000,
    ]);
    expect(retryDelay(1, undefined, 0.999)).toBeCloseTo(375, 0);
  });

  it('waits as long as upstream asks, but not for longer than half a minute', () => {
    expect(retryDelay(1, 7, 0.5)).toBe(7000);
    expect(retryDelay(1, 0, 0.5)).toBe(0);
    expect(retryDelay(1, 31, 0.5)).toBeUndefined();
  });

  it('reads Retry-After in seconds and as a date', () => {
    expect(parseRetryAfter('3')).toBe(3);
    expect(parseRetryAfter('-3')).toBe(0);
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:01:00 GMT', 0)).toBe(60);
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:01:00 GMT', 90_000)).toBe(0);
    for (const other of [undefined, '', 'soon', ['1', '2']]) expect(parseRetryAfter(other)).toBeUndefined();
  });
});
