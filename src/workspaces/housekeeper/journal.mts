/**
 * Brings a workspace from one tree to another so that a death at any moment leaves the one or the other: what is to come
 * is laid ready in the workspace first, then the whole way is written down, and only then gone. A way that is written down
 * is gone to its end by whoever comes next; each step may be done again.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { errorCode, Failure } from './failure.mts';
import { onDisk } from './names.mts';
import { statsIfAny } from './stats.mts';
import { flush, flushFileSystem, readIfAny, recall, STATE, writeWhole } from './store.mts';
import { goes, namesAbove, type Step } from './transition.mts';
import { entryOf, isDirectory } from './tree.mts';

const JOURNAL = `${STATE}/journal`;
const ENTERABLE = 0o700;
const { O_CREAT, O_EXCL, O_WRONLY } = constants;

interface Journal {
  /** Directory in the workspace where new files lie ready, each under the number of its step. */
  staging: string;
  /** Absent while they are being laid there: nothing has been changed yet. */
  steps?: readonly Step[];
  /** Directories that have to be opened for the time being, with the mode they get at the end. */
  opened?: readonly { name: string; mode: number }[];
}

/** @param staying directories that cannot go. @throws Failure E015 when there is no room; nothing is changed then */
export function transit(steps: readonly Step[], staying: ReadonlySet<string>): void {
  const going = steps.filter(({ name, to }) => to !== undefined || !staying.has(name));
  const journal: Journal = { staging: `.caisson-${randomBytes(16).toString('hex')}` };
  write(journal);
  try {
    stage(going, journal.staging);
    // From here on there is no way back, only forth.
    write({ ...journal, steps: going, opened: closedDirectories(going) });
  } catch (error) {
    recover();
    throw error;
  }
  recover();
}

/** Ends what a death left unfinished. Answers whether there was anything. */
export function recover(): boolean {
  const text = readIfAny(JOURNAL)?.toString('latin1');
  if (text === undefined) return false;
  // Written by `write`, where nobody else can write.
  const { staging, steps = [], opened = [] } = JSON.parse(text) as Journal;
  for (const { name } of opened) chmodIfAny(name, ENTERABLE);
  go(steps, staging);
  closeAgain(steps, opened);
  flushFileSystem('/workspace');
  checkpoint();
  removeStaging(staging);
  checkpoint();
  rmSync(JOURNAL);
  return true;
}

function write(journal: Journal): void {
  checkpoint();
  writeWhole(JOURNAL, JSON.stringify(journal));
  flush();
  checkpoint();
}

/** Lays every file and link that is to come ready, on the file system where it is to be. */
function stage(steps: readonly Step[], staging: string): void {
  mkdirSync(onDisk(staging), { mode: ENTERABLE });
  steps.forEach(({ to }, number) => {
    if (to === undefined || isDirectory(to)) return;
    makeFile(to, onDisk(`${staging}/${number}`));
    checkpoint();
  });
  flushFileSystem('/workspace');
}

/** Makes the file or link that a line describes, where nothing is. */
export function makeFile(line: string, path: Buffer): void {
  const entry = entryOf(line);
  if (entry.type === 'symlink') return symlinkSync(Buffer.from(entry.target, 'latin1'), path);
  const content = entry.type === 'file' ? recall(entry.hash) : undefined;
  if (content === undefined || entry.type !== 'file') throw new Failure('E009', 'a content is not kept');
  const descriptor = openSync(path, O_CREAT | O_EXCL | O_WRONLY, ENTERABLE);
  try {
    for (let written = 0; written < content.length;) written += writeSync(descriptor, content, written);
    fchmodSync(descriptor, entry.mode);
  } finally {
    closeSync(descriptor);
  }
}

function go(steps: readonly Step[], staging: string): void {
  // Deepest first: what is in a directory comes after it in the order of names.
  for (const { name, from, to } of steps.toReversed())
    if (goes(from, to)) {
      if (isDirectory(from)) removeDirectory(name);
      else removeFile(name);
      checkpoint();
    }
  steps.forEach(({ name, to }, number) => {
    if (to === undefined) return;
    if (isDirectory(to)) makeDirectory(name);
    else placeFile(`${staging}/${number}`, name);
    checkpoint();
  });
}

/** On a second time it may be gone, or already be the file that follows it. */
function removeDirectory(name: string): void {
  if (isDirectoryNow(name)) rmdirSync(onDisk(name));
}

/** On a second time it may be gone, or already be the directory that follows it. */
function removeFile(name: string): void {
  if (isBelowDirectories(name) && statsIfAny(name)?.isDirectory() === false) unlinkSync(onDisk(name));
}

const isDirectoryNow = (name: string): boolean =>
  isBelowDirectories(name) && statsIfAny(name)?.isDirectory() === true;

/**
 * Whether the way to a name leads through directories alone. On a second time a link may have come in the place of one:
 * what lies behind it is something else.
 */
const isBelowDirectories = (name: string): boolean =>
  [...namesAbove(name)].every((above) => statsIfAny(above)?.isDirectory() === true);

function makeDirectory(name: string): void {
  try {
    mkdirSync(onDisk(name), { mode: ENTERABLE });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    chmodSync(onDisk(name), ENTERABLE);
  }
}

function placeFile(ready: string, name: string): void {
  try {
    renameSync(onDisk(ready), onDisk(name));
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    // Gone from there: it is in its place already.
    if (statsIfAny(name) === undefined) throw error;
  }
}

/** Directories in which something comes or goes, and that their owner has closed to itself. */
function closedDirectories(steps: readonly Step[]): { name: string; mode: number }[] {
  // What goes has to be entered, too, before it is empty.
  const names = new Set(steps.flatMap(({ name }) => [...namesAbove(name)]));
  return [...names].sort().flatMap((name) => {
    const stats = isBelowDirectories(name) ? statsIfAny(name) : undefined;
    if (stats?.isDirectory() !== true || (stats.mode & ENTERABLE) === ENTERABLE) return [];
    return [{ name, mode: stats.mode & 0o7777 }];
  });
}

/** Gives directories their modes at last, the deepest first: a closed one could not be passed any more. */
function closeAgain(steps: readonly Step[], opened: readonly { name: string; mode: number }[]): void {
  const modes = new Map(opened.map(({ name, mode }) => [name, mode]));
  for (const { name, to } of steps)
    if (to !== undefined && isDirectory(to)) modes.set(name, (entryOf(to) as { mode: number }).mode);
  for (const [name, mode] of [...modes].sort(([a], [b]) => (a < b ? 1 : -1))) chmodIfAny(name, mode);
}

function chmodIfAny(name: string, mode: number): void {
  if (isDirectoryNow(name)) chmodSync(onDisk(name), mode);
}

function removeStaging(name: string): void {
  spawnSync('/bin/rm', ['-rf', '--', onDisk(name).toString('latin1')], { stdio: 'ignore' });
}

/** Set by tests that let it die here: after how many of these points. */
let points = Number.POSITIVE_INFINITY;
export const dieAfter = (count: number): void => void (points = count);

function checkpoint(): void {
  points -= 1;
  if (points < 0) process.kill(process.pid, 'SIGKILL');
}
