import { ERROR_CATALOGUE, type ErrorCode } from '../errors/catalogue.js';
import { EXIT, exitCodeOf } from './exit-codes.js';

describe('exit codes', () => {
  const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];

  it('tell every error of the server from every other, and from what the command says itself', () => {
    const all = codes.map(exitCodeOf);
    expect(new Set(all).size).toBe(codes.length);
    const own: number[] = [EXIT.succeeded, EXIT.usage, EXIT.unreachable, EXIT.notApplied];
    expect(all.filter((code) => own.includes(code))).toEqual([]);
    expect(Math.max(...all)).toBeLessThan(256);
  });

  it('are those of shells for what timed out and what was interrupted', () => {
    expect([exitCodeOf('E001'), exitCodeOf('E013'), exitCodeOf('E002'), exitCodeOf('E099')]).toEqual([
      124, 130, 12, 1,
    ]);
  });
});
