/**
 * The content of a workspace at one moment, and its name. A tree maps each entry's name to one line that says all there is
 * to say of it; the SHA-256 over names and lines in byte order is the tree's name. Times and inodes are no part of it.
 */
import { createHash } from 'node:crypto';
import { existsSync, utimesSync } from 'node:fs';
import { Failure } from './failure.mts';
import { byBytes } from './files.mts';
import { pack, readIfAny, STATE, unpack, writeWhole } from './store.mts';

/** Name (bytes as latin1) to line, in byte order of the names. */
export type Tree = ReadonlyMap<string, string>;

/** What a line says. Modes are permission bits, sizes bytes, hashes SHA-256 in hex. */
export type Entry =
  | { type: 'file'; mode: number; size: number; hash: string }
  /** A file that was not read (too large): the hash is over its stat, and its content is not to be had. */
  | { type: 'unread'; mode: number; size: number; hash: string }
  | { type: 'directory'; mode: number }
  | { type: 'symlink'; target: string }
  | { type: 'other'; mode: number };

/** A tree that differs from another in fewer entries than this part of it is kept as the difference. */
const DIFFERENCE_PART = 8;
const BASE = 'base ';

export function lineOf(entry: Entry): string {
  switch (entry.type) {
    case 'file':
    case 'unread':
      return `${entry.type} ${entry.mode.toString(8)} ${entry.size} ${entry.hash}`;
    case 'symlink':
      return `symlink ${entry.target}`;
    default:
      return `${entry.type} ${entry.mode.toString(8)}`;
  }
}

export function entryOf(line: string): Entry {
  const type = line.slice(0, line.indexOf(' ')) as Entry['type'];
  const rest = line.slice(type.length + 1);
  if (type === 'symlink') return { type, target: rest };
  const [mode = '', size = '', hash = ''] = rest.split(' ');
  if (type === 'file' || type === 'unread')
    return { type, mode: Number.parseInt(mode, 8), size: Number(size), hash };
  return { type, mode: Number.parseInt(mode, 8) };
}

export const isDirectory = (line: string | undefined): boolean => line?.startsWith('directory ') === true;

/** Names that differ, in byte order. */
export function differences(before: Tree, after: Tree): string[] {
  const names: string[] = [];
  for (const [name, line] of before) if (after.get(name) !== line) names.push(name);
  for (const name of after.keys()) if (!before.has(name)) names.push(name);
  return names.sort(byBytes);
}

export function treeOf(entries: Iterable<readonly [string, string]>): Tree {
  return new Map([...entries].sort(([a], [b]) => byBytes(a, b)));
}

/** Keeps a tree, as its difference to `base` when that is much shorter, and answers its name. */
export function saveTree(tree: Tree, base?: string): string {
  const text = textOf(tree);
  const hash = hashOf(text);
  // One that is there becomes the youngest, so that it is not collected before somebody has named it.
  if (existsSync(treePath(hash))) utimesSync(treePath(hash), new Date(), new Date());
  else writeWhole(treePath(hash), pack(base === undefined ? text : (difference(tree, base) ?? text)));
  return hash;
}

/** @throws Failure E009 when it is not kept (any more). @throws Error when what is kept is not what was */
export function loadTree(hash: string): Tree {
  const text = unpacked(hash);
  if (text === undefined) throw new Failure('E009', 'there is no such state');
  const tree = text.startsWith(BASE) ? patched(text) : parse(text);
  if (hashOf(textOf(tree)) !== hash) throw new Error(`the tree ${hash} is damaged`);
  return tree;
}

/** The tree that this one is kept as a difference to. */
export function baseOf(hash: string): string | undefined {
  const text = unpacked(hash);
  return text?.startsWith(BASE) === true ? text.slice(BASE.length, text.indexOf('\0')) : undefined;
}

export const treePath = (hash: string): string => `${STATE}/trees/${hash}`;

function unpacked(hash: string): string | undefined {
  const packed = readIfAny(treePath(hash));
  return packed && unpack(packed).toString('latin1');
}

const textOf = (tree: Tree): string => {
  const parts: string[] = [];
  for (const [name, line] of tree) parts.push(name, line);
  return parts.length === 0 ? '' : `${parts.join('\0')}\0`;
};

function parse(text: string): Map<string, string> {
  const parts = text.split('\0');
  const tree = new Map<string, string>();
  for (let at = 0; at + 1 < parts.length; at += 2) tree.set(parts[at] ?? '', parts[at + 1] ?? '');
  return tree;
}

const hashOf = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');

/** Always against a whole tree, so that reading one never takes more than two files. Undefined when it does not pay. */
function difference(tree: Tree, base: string): string | undefined {
  const whole = baseOf(base) ?? base;
  if (!existsSync(treePath(whole))) return undefined;
  const before = loadTree(whole);
  const names = differences(before, tree);
  if (names.length * DIFFERENCE_PART > tree.size) return undefined;
  return [BASE + whole, ...names.flatMap((name) => [name, tree.get(name) ?? '']), ''].join('\0');
}

function patched(text: string): Tree {
  const end = text.indexOf('\0');
  const tree = new Map(loadTree(text.slice(BASE.length, end)));
  for (const [name, line] of parse(text.slice(end + 1)))
    if (line === '') tree.delete(name);
    else tree.set(name, line);
  return treeOf(tree);
}
