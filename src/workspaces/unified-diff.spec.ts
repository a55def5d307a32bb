import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { unifiedDiff } from './unified-diff.js';

const modified = (before: string, after: string) =>
  unifiedDiff({
    path: 'f',
    action: 'modified',
    size: 0,
    modeBefore: '100644',
    modeAfter: '100644',
    before,
    after,
  });

/** What git makes of `before` with the diff. */
function applied(before: string, diff: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'caisson-diff-'));
  try {
    writeFileSync(join(directory, 'f'), before);
    if (diff !== '')
      execFileSync('git', ['apply', '--whitespace=nowarn', '-'], { cwd: directory, input: diff });
    return readFileSync(join(directory, 'f'), 'utf8');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('a unified diff', () => {
  it('turns one text into the other, when git applies it', () => {
    const line = fc.constantFrom('a\n', 'b\n', '\n', 'c\r\n', '-- x\n');
    const textOf = fc.tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('', 'end'));
    const text = textOf.map(([lines, end]) => lines.join('') + end);
    fc.assert(
      fc.property(text, text, (before, after) =>
        expect(applied(before, modified(before, after))).toBe(after),
      ),
      { numRuns: 40 },
    );
  });

  it('replaces the whole of a text that differs too much to be compared in time', () => {
    const lines = (from: number) =>
      Array.from({ length: 30_000 }, (_, index) => `${from + index * 7}\n`).join('');
    const [before, after] = [lines(0), lines(1)];
    const begun = performance.now();
    const diff = modified(before, after);
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(diff).toContain('@@ -1,30000 +1,30000 @@\n-0\n');
    expect(applied(before, diff)).toBe(after);
  });

  it('of the same text in the same mode is nothing', () => {
    expect(modified('a\n', 'a\n')).toBe('');
  });
});
