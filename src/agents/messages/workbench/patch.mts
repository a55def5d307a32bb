/** Unified diffs as models write them: line numbers are hints, the lines themselves decide. */
import { Failure } from '../../../workspaces/housekeeper/failure.mts';
import { linesOf } from './text-file.mts';

interface Hunk {
  /** Where it says that it begins, from 1; undefined when it does not say. */
  line?: number;
  /** Lines that must be there, and what comes in their place. */
  before: string[];
  after: string[];
}

export interface FilePatch {
  /** Undefined where the file is new. */
  from?: string;
  /** Undefined where it is deleted. */
  to?: string;
  hunks: Hunk[];
}

const HUNK = /^@@(?: -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@)?/;

/** @throws Failure E003 when it is no unified diff */
export function parsePatch(text: string): FilePatch[] {
  const lines = linesOf(text);
  const patches: FilePatch[] = [];
  for (let at = 0; at < lines.length;) {
    if (!isHeader(lines, at)) {
      at += 1; // `diff --git`, modes, words around it
      continue;
    }
    const [from, to] = [pathOf(lines[at] ?? ''), pathOf(lines[at + 1] ?? '')];
    const hunks: Hunk[] = [];
    for (at += 2; at < lines.length && HUNK.test(lines[at] ?? '');) at = readHunk(lines, at, hunks);
    if (from === undefined && to === undefined) throw notADiff('neither an old nor a new file is named');
    patches.push({ from, to, hunks });
  }
  if (patches.length === 0) throw notADiff('there is no line "--- a/path" followed by "+++ b/path"');
  return patches;
}

/** @throws Failure E010 when a hunk's lines are not there, or in several places and it does not say which */
export function applyHunks(text: string, hunks: readonly Hunk[], path: string): string {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = linesOf(text);
  const endsWithNewline = text === '' || text.endsWith('\n');
  let done = 0;
  let shift = 0;
  for (const [index, { line, before, after }] of hunks.entries()) {
    const wanted = line === undefined ? undefined : Math.max(0, line - 1) + shift;
    const at = placeOf(lines, before, done, wanted);
    if (at === undefined)
      throw new Failure(
        'E010',
        `hunk ${index + 1} of ${path} does not fit: its lines are not there, or in several places. Read the file and give more of the lines around the change. It begins with: ${before.slice(0, 3).join(' ⏎ ')}`,
      );
    lines.splice(at, before.length, ...after);
    done = at + after.length;
    shift += after.length - before.length;
  }
  return lines.join(newline) + (endsWithNewline && lines.length > 0 ? newline : '');
}

function readHunk(lines: readonly string[], start: number, hunks: Hunk[]): number {
  const number = HUNK.exec(lines[start] ?? '')?.[1];
  const hunk: Hunk = { ...(number === undefined ? {} : { line: Number(number) }), before: [], after: [] };
  let at = start + 1;
  for (; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (HUNK.test(line) || line.startsWith('diff --git ') || isHeader(lines, at)) break;
    if (line.startsWith('\\')) continue; // No newline at end of file
    const [mark, rest] = [line.slice(0, 1), line.slice(1)];
    // An empty line is one of the context whose space was lost.
    if (mark === ' ' || mark === '') {
      hunk.before.push(rest);
      hunk.after.push(rest);
    } else if (mark === '-') hunk.before.push(rest);
    else if (mark === '+') hunk.after.push(rest);
    else throw notADiff(`a line of a hunk begins with neither " ", "-" nor "+": ${line.slice(0, 80)}`);
  }
  hunks.push(hunk);
  return at;
}

/** Where the lines are: at the place that is wanted, else the one nearest to it; without one, the only one there is. */
function placeOf(
  lines: readonly string[],
  before: readonly string[],
  from: number,
  wanted: number | undefined,
): number | undefined {
  if (before.length === 0) return Math.max(from, Math.min(wanted ?? lines.length, lines.length));
  for (const same of [exactly, butForSpaces]) {
    const places: number[] = [];
    for (let at = from; at + before.length <= lines.length; at += 1)
      if (before.every((line, index) => same(line, lines[at + index] ?? ''))) places.push(at);
    if (places.length === 1 || (places.length > 1 && wanted !== undefined))
      return places.toSorted(
        (one, other) => Math.abs(one - (wanted ?? 0)) - Math.abs(other - (wanted ?? 0)),
      )[0];
    if (places.length > 1) return undefined;
  }
  return undefined;
}

const exactly = (one: string, other: string): boolean => one === other;
const butForSpaces = (one: string, other: string): boolean => one.trimEnd() === other.trimEnd();

const isHeader = (lines: readonly string[], at: number): boolean =>
  (lines[at] ?? '').startsWith('--- ') && (lines[at + 1] ?? '').startsWith('+++ ');

function pathOf(line: string): string | undefined {
  const path = line.slice(4).split('\t', 1)[0]?.trim() ?? '';
  return path === '/dev/null' ? undefined : path.replace(/^[ab]\//, '');
}

const notADiff = (why: string) => new Failure('E003', `that is no unified diff: ${why}`);
