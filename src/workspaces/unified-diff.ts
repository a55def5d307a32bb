/** Writes changes as git does, from their texts alone: no file is opened and no program is run for it. */
import { structuredPatch } from 'diff';
import type { ChangeLine } from './housekeeper/protocol.mts';

/** Lines of context, as git shows. */
const CONTEXT = 3;
/**
 * Bounds of one comparison: its time grows with the square of the differences, and the texts are a stranger's. Past
 * them the whole of the file is shown as replaced, which is as true and only longer.
 */
const EDITS_MAX = 2000;
const TIMEOUT = 100;
const LINK = '120000';

/** The diff of one change; '' when there is no text to show and no mode that changed. */
export function unifiedDiff({ path, before, after, modeBefore, modeAfter, binary }: ChangeLine): string {
  const [a, b] = [quoted(`a/${path}`), quoted(`b/${path}`)];
  // A file that became a link, or a link a file: git shows the end of one and the beginning of the other.
  if (modeBefore && modeAfter && (modeBefore === LINK) !== (modeAfter === LINK))
    return (
      unifiedDiff({ path, before, modeBefore, binary, action: 'deleted', size: 0 }) +
      unifiedDiff({ path, after, modeAfter, binary, action: 'created', size: 0 })
    );
  const head = [`diff --git ${a} ${b}`];
  if (modeBefore === undefined && modeAfter !== undefined) head.push(`new file mode ${modeAfter}`);
  else if (modeBefore !== undefined && modeAfter === undefined) head.push(`deleted file mode ${modeBefore}`);
  else if (modeBefore !== modeAfter) head.push(`old mode ${modeBefore}`, `new mode ${modeAfter}`);
  const [from, to] = [modeBefore === undefined ? '/dev/null' : a, modeAfter === undefined ? '/dev/null' : b];
  if (binary === true) head.push(`Binary files ${from} and ${to} differ`);
  const body =
    (before ?? '') === (after ?? '') ? '' : `--- ${from}\n+++ ${to}\n${hunks(before ?? '', after ?? '')}`;
  return head.length === 1 && body === '' ? '' : `${head.join('\n')}\n${body}`;
}

function hunks(before: string, after: string): string {
  const patch = structuredPatch('', '', before, after, '', '', {
    context: CONTEXT,
    maxEditLength: EDITS_MAX,
    timeout: TIMEOUT,
  });
  if (patch === undefined) return replacement(before, after);
  return patch.hunks
    .map((hunk) => {
      const lines = hunk.lines.map((line) => `${line}\n`).join('');
      return `@@ -${span(hunk.oldStart, hunk.oldLines)} +${span(hunk.newStart, hunk.newLines)} @@\n${lines}`;
    })
    .join('');
}

/** One hunk that takes every line away and puts every new one there. */
function replacement(before: string, after: string): string {
  const [old, now] = [linesOf(before), linesOf(after)];
  const header = `@@ -${span(1, old.length)} +${span(1, now.length)} @@\n`;
  return header + side('-', before, old) + side('+', after, now);
}

function side(sign: string, text: string, lines: readonly string[]): string {
  const unended = text !== '' && !text.endsWith('\n') ? '\\ No newline at end of file\n' : '';
  return lines.map((line) => `${sign}${line}\n`).join('') + unended;
}

const linesOf = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
/** Where no line is, the format names the line before. */
const span = (start: number, count: number) =>
  count === 1 ? `${start}` : `${count === 0 ? start - 1 : start},${count}`;

/** As git: a name with characters that would break a line is put in quotes. */
function quoted(name: string): string {
  const escaped = name
    .replace(/["\\]/g, '\\$&')
    .replace(/[\0-\x1f\x7f]/g, (byte) => ESCAPES[byte] ?? octal(byte));
  return escaped === name ? name : `"${escaped}"`;
}
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' };
const octal = (byte: string) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`;
