/** For people at a terminal: what a caller wrote is shown as text, never as a line of its own or a command to the terminal. */

/** Line ends, tabs, terminal commands in both their forms, and the marks that turn text around or hide it. */
const UNSEEN = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The same JSON, one line of it, in which nothing is unseen: whoever prints it prints what is there. */
export const visibleLine = (line: string): string =>
  line.replace(UNSEEN, (character) => (character === '\n' ? character : escaped(character)));

/** The same line with names and texts that may be printed as they are. */
export const printableLine = (line: string): string => `${JSON.stringify(printable(JSON.parse(line)))}\n`;

function printable(value: unknown, name = ''): unknown {
  if (typeof value === 'string')
    // A stack keeps its lines: they are indented where they are printed, and so are no lines of the log.
    return value.replace(UNSEEN, (character) =>
      character === '\n' && name === 'stack' ? '\n' : escaped(character),
    );
  if (Array.isArray(value)) return value.map((item) => printable(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [printable(key), printable(item, key)] as [string, unknown]),
  );
}
