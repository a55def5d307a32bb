/** The housekeeper's everyday work: listing, reading, checking and removing. */
import { spawnSync } from 'node:child_process';
import { createReadStream, type Stats } from 'node:fs';
import { errorCode, Failure } from './failure.mts';
import { fromUtf8, onDisk, shown } from './names.mts';
import { openFile } from './open-file.mts';
import type { PathType } from './protocol.mts';
import { statsIfAny } from './stats.mts';
import { resolve, resolveExisting } from './resolve.mts';
import { walk } from './walk.mts';

export interface ListedEntry {
  path: string;
  size: number;
  modifiedAt: number;
  type: 'file' | 'directory' | 'symlink' | 'other';
}

/** Every entry in path order (by bytes). @throws Failure E015 */
export function list(maxEntries: number): ListedEntry[] {
  const names: string[] = [];
  walk('', { maxEntries }, { entry: (name) => names.push(name) });
  return names.sort(byBytes).flatMap((name) => {
    const stats = statsIfAny(name);
    return stats
      ? [{ path: shown(name), size: stats.size, modifiedAt: Math.trunc(stats.mtimeMs), type: typeOf(stats) }]
      : [];
  });
}

/** Answers the size by `begin`, then sends exactly as many bytes to `output`. */
export async function read(
  path: string,
  begin: (size: number) => void,
  output: NodeJS.WritableStream,
): Promise<void> {
  const { name } = resolveExisting(fromUtf8(path), { lastLink: true });
  using file = openFile(name);
  const size = Number(file.stats.size);
  begin(size);
  if (size === 0) return;
  let sent = 0;
  for await (const chunk of createReadStream('', { fd: file.descriptor, autoClose: false, end: size - 1 })) {
    sent += (chunk as Buffer).length;
    if (!output.write(chunk as Buffer)) await new Promise((drained) => output.once('drain', drained));
  }
  if (sent < size) throw new Error('the file shrank while it was read');
}

/** Removes a file, a link (not what it points to) or a directory with all that is in it. @throws Failure E009, E004 */
export function remove(path: string): void {
  const { name } = resolveExisting(fromUtf8(path), { lastLink: false });
  if (name === '') throw new Failure('E004', 'the workspace itself cannot be removed');
  if (!removeTree(name)) throw new Failure('E004', 'not everything could be removed');
}

/** Whether it is gone, with all that was in it. */
export function removeTree(name: string): boolean {
  const target = onDisk(name).toString('utf8');
  // rm goes down by descriptors, so that it gets through directories deeper than any path can be written.
  const rm = () => spawnSync('/bin/rm', ['-rf', '--', target], { stdio: 'ignore' }).status === 0;
  if (rm()) return true;
  // Directories that their owner made read-only, as some package caches are.
  spawnSync('/bin/chmod', ['-R', 'u+rwX', '--', target], { stdio: 'ignore' });
  return rm();
}

/** Those of the paths that are not there, or not of the wanted type. @throws Failure E004 for one that leads outside */
export function missing(paths: readonly { path: string; type: PathType }[]): string[] {
  return paths.filter(({ path, type }) => !isThere(path, type)).map(({ path }) => path);
}

function isThere(path: string, type: PathType): boolean {
  try {
    const { stats } = resolve(path === '.' ? '' : fromUtf8(path), { lastLink: true });
    if (stats === undefined) return false;
    return type === 'any' || (type === 'file' ? stats.isFile() : stats.isDirectory());
  } catch (error) {
    // Outside, circular, unreadable: to the caller it is not in the workspace.
    if (error instanceof Failure || ['EACCES', 'ENOTDIR', 'ENAMETOOLONG'].includes(errorCode(error) ?? ''))
      return false;
    throw error;
  }
}

export const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function typeOf(stats: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): ListedEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
}
