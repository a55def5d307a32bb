/** A unified diff for people: what goes is red, what comes is green. */
import { printable } from './printable.js';
import type { Style } from './terminal.js';

const STYLES: readonly [RegExp, Style][] = [
  [
    /^(?:diff --git |--- |\+\+\+ |new file mode |deleted file mode |old mode |new mode |Binary files )/,
    'bold',
  ],
  [/^@@ /, 'cyan'],
  [/^\+/, 'green'],
  [/^-/, 'red'],
];

/** @param style puts a line in colour, where there is colour */
export function colouredDiff(diff: string, style: (style: Style, line: string) => string): string {
  let inHunk = false;
  return printable(diff)
    .split('\n')
    .map((line) => {
      if (line.startsWith('diff --git ')) inHunk = false;
      else if (line.startsWith('@@ ')) inHunk = true;
      // In a hunk, `--- a` is a line that was taken away and began with `-- a`.
      const [, found] = STYLES.slice(inHunk ? 1 : 0).find(([pattern]) => pattern.test(line)) ?? [];
      return found === undefined ? line : style(found, line);
    })
    .join('\n');
}
