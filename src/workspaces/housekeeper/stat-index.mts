/** What the last scan of a place found, so that the next one need not read what is surely the same. */
import { readIfAny, STATE, writeWhole } from './store.mts';

export interface Known {
  /** What lstat said. */
  signature: string;
  /** Its line in the tree. */
  line: string;
}

export interface StatIndex {
  /** When the scan began, in milliseconds since the epoch. */
  begun: number;
  /** Name of the tree that it found. */
  tree: string;
  /** Bytes that kept contents take, as far as it is known. */
  kept: number;
  /** Files by name. */
  files: ReadonlyMap<string, Known>;
}

/** @param copy which copy of the workspace, if it is one */
export function loadIndex(copy?: string): StatIndex | undefined {
  const text = readIfAny(indexPath(copy))?.toString('latin1');
  const parts = text?.split('\0') ?? [];
  // A file that ends early says nothing: everything is read again.
  if (parts.at(-1) !== 'end') return undefined;
  const files = new Map<string, Known>();
  for (let at = 3; at + 3 < parts.length; at += 3)
    files.set(parts[at] ?? '', { signature: parts[at + 1] ?? '', line: parts[at + 2] ?? '' });
  return { begun: Number(parts[0]), tree: parts[1] ?? '', kept: Number(parts[2]), files };
}

export function saveIndex({ begun, tree, kept, files }: StatIndex, copy?: string): void {
  const parts: string[] = [String(begun), tree, String(kept)];
  for (const [name, { signature, line }] of files) parts.push(name, signature, line);
  parts.push('end');
  // One that is lost costs a reading of all files, no more.
  writeWhole(indexPath(copy), parts.join('\0'), { lasting: false });
}

export const indexPath = (copy?: string): string =>
  copy === undefined ? `${STATE}/index` : `${STATE}/copies/${copy}`;
