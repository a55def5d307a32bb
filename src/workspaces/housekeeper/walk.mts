/** Goes through a workspace without following links and without recursion, however deep and wide somebody made it. */
import { opendirSync } from 'node:fs';
import { errorCode, Failure } from './failure.mts';
import { onDisk } from './names.mts';

/** Bytes: below what the kernel takes as one path (4 096, with its final NUL and our root's name). */
const PATH_MAX = 4000;
/** Names that are read from a directory at once. */
const BATCH = 1024;

/** Names at the workspace's root that nobody is shown: what the server makes ready there. */
const hidden = new Set<string>();

export const hide = (names: readonly string[]): void => names.forEach((name) => hidden.add(name));
export const isHidden = (name: string): boolean => hidden.has(name);

export interface WalkOptions {
  /** Entries in all, above which the walk gives up. */
  maxEntries: number;
  /** Whether a directory's entries are left out. */
  leaveOut?: (name: string) => boolean;
}

export interface WalkHooks {
  entry: (name: string) => void;
  /** A directory that is not gone into, or not wholly: by rule, because it cannot be read, or because paths get too long. */
  skipped?: (name: string) => void;
}

/** @throws Failure E015 above `maxEntries` */
export function walk(
  from: string,
  { maxEntries, leaveOut }: WalkOptions,
  { entry, skipped }: WalkHooks,
): void {
  const pending = [from];
  let seen = 0;
  const tooLong = new Set<string>();
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const entered = eachEntry(directory, (name, isDirectory) => {
      if ((seen += 1) > maxEntries)
        throw new Failure('E015', `the workspace has more than ${maxEntries} entries`);
      if (name.length > PATH_MAX) {
        tooLong.add(directory);
        return;
      }
      entry(name);
      if (!isDirectory) return;
      if (leaveOut?.(name) === true) skipped?.(name);
      else pending.push(name);
    });
    if (!entered || tooLong.has(directory)) skipped?.(directory);
  }
}

/** How many entries lie below a directory, counted up to `max`. */
export function countEntries(directory: string, max: number): number {
  let count = 0;
  const pending = [directory];
  for (let at = pending.pop(); at !== undefined && count < max; at = pending.pop())
    eachEntry(at, (name, isDirectory) => {
      count += 1;
      if (isDirectory && name.length <= PATH_MAX) pending.push(name);
    });
  return Math.min(count, max);
}

/** False when the directory cannot be read; one that is gone meanwhile has no entries. */
function eachEntry(directory: string, visit: (name: string, isDirectory: boolean) => void): boolean {
  try {
    using entries = opendirSync(onDisk(directory), { encoding: 'latin1', bufferSize: BATCH });
    for (let found = entries.readSync(); found !== null; found = entries.readSync()) {
      const name = directory === '' ? found.name : `${directory}/${found.name}`;
      if (!isHidden(name)) visit(name, found.isDirectory());
    }
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return true;
    if (code === 'EACCES' || code === 'ENAMETOOLONG') return false;
    throw error;
  }
}
