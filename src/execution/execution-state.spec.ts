import { ERROR_CATALOGUE, type ErrorCode } from '../errors/catalogue.js';
import { endOf, EXECUTION_STATUSES, isEnd, statesBefore, TRANSITIONS } from './execution-state.js';

describe('the states of an execution', () => {
  it('have exactly four ends, which nothing follows', () => {
    expect(EXECUTION_STATUSES.filter(isEnd)).toEqual(['succeeded', 'failed', 'cancelled', 'timed_out']);
  });

  it('can all be reached, and every way leads to an end', () => {
    for (const status of EXECUTION_STATUSES.filter((it) => it !== 'queued'))
      expect(statesBefore(status)).not.toEqual([]);
    for (const [status, next] of Object.entries(TRANSITIONS))
      expect(next.length > 0 || isEnd(status as (typeof EXECUTION_STATUSES)[number])).toBe(true);
  });

  it('succeed only from running', () => {
    expect(statesBefore('succeeded')).toEqual(['running']);
  });

  it('name an end for every error of the catalogue', () => {
    const ends = Object.keys(ERROR_CATALOGUE).map((code) => [code, endOf(code as ErrorCode)]);
    expect(ends.filter(([, end]) => end !== 'failed')).toEqual([
      ['E001', 'timed_out'],
      ['E013', 'cancelled'],
    ]);
  });
});
