/**
 * What the housekeeper keeps of a workspace, in a directory that agents never see: contents by their SHA-256, trees that
 * name them, and what is under way. Everything is written beside its place first, and checked when it is read back.
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { errorCode, Failure } from './failure.mts';

export const STATE = '/state';
/** The lightest compression: snapshots are made around each execution, and sources shrink to a third even so. */
const LEVEL = 1;
/** New files above which the whole file system is flushed at once: about what as many single flushes cost here. */
const FLUSHED_ONE_BY_ONE = 16;
/** Bytes: no kept content is larger. */
const UNPACKED_MAX = 1024 * 1024 * 1024;

/** Files that were written and are not on the disk yet. */
const unflushed: string[] = [];

export const pack = (content: Buffer | string): Buffer =>
  deflateRawSync(typeof content === 'string' ? Buffer.from(content, 'latin1') : content, { level: LEVEL });
export const unpack = (packed: Buffer): Buffer => inflateRawSync(packed, { maxOutputLength: UNPACKED_MAX });

/** Keeps a content under its name. Answers how many bytes that took; 0 when it was there. */
export function keep(hash: string, content: Buffer): number {
  const path = objectPath(hash);
  if (isKept(hash)) return 0;
  const packed = pack(content);
  writeWhole(path, packed);
  return packed.length;
}

/** An empty file is what a power cut left of one that was not flushed: nothing packs to nothing. */
export const isKept = (hash: string): boolean =>
  (statSync(objectPath(hash), { throwIfNoEntry: false })?.size ?? 0) > 0;

/** A kept content; undefined when it was not kept. @throws Error when what is kept is not what was */
export function recall(hash: string): Buffer | undefined {
  const packed = readIfAny(objectPath(hash));
  if (packed === undefined) return undefined;
  const content = unpackedOrNothing(packed);
  if (content === undefined || createHash('sha256').update(content).digest('hex') !== hash)
    throw new Error(`the content ${hash} is damaged`);
  return content;
}

export const objectPath = (hash: string): string => `${STATE}/objects/${hash.slice(0, 2)}/${hash}`;

/**
 * Writes a file whole or not at all.
 * @param lasting what must outlive a power cut: it is on the disk after `flush`
 */
export function writeWhole(path: string, content: Buffer | string, { lasting = true } = {}): void {
  mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
  const temporary = `${path}.${randomBytes(8).toString('hex')}.new`;
  const descriptor = openSync(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
  if (lasting) unflushed.push(path);
}

/** Returns when all that is to last is on the disk. */
export function flush(): void {
  if (unflushed.length > FLUSHED_ONE_BY_ONE) flushFileSystem(STATE);
  else {
    for (const path of unflushed) flushOne(path);
    for (const directory of new Set(unflushed.map((path) => path.slice(0, path.lastIndexOf('/')))))
      flushOne(directory);
  }
  unflushed.length = 0;
}

export function flushFileSystem(path: string): void {
  const { status } = spawnSync('/bin/sync', ['-f', path], { stdio: 'ignore' });
  if (status !== 0) throw new Failure('E015', 'the disk takes nothing more');
}

export function readIfAny(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function flushOne(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function unpackedOrNothing(packed: Buffer): Buffer | undefined {
  try {
    return unpack(packed);
  } catch {
    return undefined; // cut or overwritten: the caller says so
  }
}
