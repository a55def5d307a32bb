/** The way from one tree to another, and why it cannot be gone from where the workspace is now. */
import { readdirSync } from 'node:fs';
import { errorCode, isAbsence } from './failure.mts';
import { onDisk, shown } from './names.mts';
import type { Conflict } from './protocol.mts';
import type { Recorder } from './scan.mts';
import { isKept } from './store.mts';
import { differences, entryOf, isDirectory, type Tree } from './tree.mts';

/** One name, and the lines that stand for it before and after; undefined where nothing is. */
export interface Step {
  name: string;
  from?: string;
  to?: string;
}

export function stepsBetween(from: Tree, to: Tree): Step[] {
  return differences(from, to).map((name) => ({ name, from: from.get(name), to: to.get(name) }));
}

/**
 * Directories that are to go and will not be empty then: they hold what is left out of trees, or what came since. One
 * that has no successor simply stays.
 */
export function stayingDirectories(steps: readonly Step[]): Set<string> {
  const going = new Set(steps.filter(({ from, to }) => goes(from, to)).map(({ name }) => name));
  const staying = new Set<string>();
  for (const { name, from, to } of steps.toReversed())
    if (isDirectory(from) && goes(from, to))
      for (const inside of namesIn(name)) if (!going.has(inside) || staying.has(inside)) staying.add(name);
  return staying;
}

/** What is removed before anything is put in place; a file that another follows is replaced in one step instead. */
export const goes = (from: string | undefined, to: string | undefined): boolean =>
  from !== undefined && (to === undefined || isDirectory(from) !== isDirectory(to));

/** Everything that stands in the way: then nothing may be done. */
export function conflicts(
  steps: readonly Step[],
  staying: ReadonlySet<string>,
  recorder: Recorder,
): Conflict[] {
  const planned = new Map(steps.map((step) => [step.name, step]));
  const found: Conflict[] = [];
  const clash = (name: string, reason: Conflict['reason']) => found.push({ path: shown(name), reason });
  const lines = new Map<string, string | undefined>();
  const lineAt = (name: string): string | undefined => {
    if (!lines.has(name)) lines.set(name, recorder.record(name)?.line);
    return lines.get(name);
  };
  const checked = new Set<string>();
  for (const { name, from, to } of steps) {
    const above = [...namesAbove(name)];
    // What is to be seen through a link is something else, and not what is at this name.
    const now = above.every((one) => isDirectory(lineAt(one))) ? lineAt(name) : undefined;
    if (now !== from) clash(name, 'changed');
    if (!canBeHad(from, to)) clash(name, 'not-kept');
    if (to !== undefined && staying.has(name)) clash(name, 'not-empty');
    // What lies above is touched too: a link there would lead somewhere else.
    for (const one of above) {
      if (checked.has(one) || planned.has(one)) continue;
      checked.add(one);
      if (!isDirectory(lineAt(one))) clash(one, 'changed');
    }
  }
  return found;
}

export function* namesAbove(name: string): Generator<string> {
  for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1))
    yield name.slice(0, end);
}

/** Special files are never made, and contents can be made only when they are kept. */
function canBeHad(from: string | undefined, to: string | undefined): boolean {
  if (to === undefined) return true;
  const entry = entryOf(to);
  if (entry.type === 'file') return isKept(entry.hash);
  return entry.type === 'directory' || entry.type === 'symlink' || from === to;
}

function namesIn(name: string): string[] {
  try {
    return readdirSync(onDisk(name), { encoding: 'latin1' }).map((entry) => `${name}/${entry}`);
  } catch (error) {
    if (isAbsence(error) || errorCode(error) === 'ENAMETOOLONG') return [];
    throw error;
  }
}
