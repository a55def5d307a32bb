/** Reads a text of the workspace, and writes one whole or not at all. */
import { randomBytes } from 'node:crypto';
import {
  constants,
  fchmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { Failure } from '../../../workspaces/housekeeper/failure.mts';
import { onDisk } from '../../../workspaces/housekeeper/names.mts';
import { openFile } from '../../../workspaces/housekeeper/open-file.mts';
import { resolve, resolveExisting } from '../../../workspaces/housekeeper/resolve.mts';

/** Bytes of a file that are looked at: above any source. */
const TEXT_MAX = 16 * 1024 * 1024;
/** Bytes at the beginning in which a NUL tells that it is no text. */
const BINARY_LOOK = 8 * 1024;
const NEW_FILE = 0o644;

export interface TextFile {
  /** Without links. */
  name: string;
  text: string;
}

/** @throws Failure when there is none, it is no regular file, too large, or no text */
export function readText(path: string, maxBytes = TEXT_MAX): TextFile {
  const { name } = resolveExisting(path, { lastLink: true });
  using file = openFile(name);
  const size = Number(file.stats.size);
  if (size > maxBytes) throw new Failure('E015', `the file has ${size} bytes, more than can be looked at`);
  const bytes = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const got = readSync(file.descriptor, bytes, length, size - length, length);
    if (got === 0) break;
    length += got;
  }
  if (bytes.subarray(0, BINARY_LOOK).includes(0)) throw new Failure('E004', 'the file is binary');
  return { name, text: bytes.toString('utf8', 0, length) };
}

/** Beside its place first, then over it in one step; makes the directories above it. @returns whether it is new */
export function writeText(path: string, text: string): { name: string; created: boolean } {
  const { name, stats, missing } = resolve(path, { lastLink: true });
  if (name === '' || (stats !== undefined && !stats.isFile()))
    throw new Failure('E004', 'a directory, or something that is no file, is there');
  const at = name.lastIndexOf('/');
  const directory = at === -1 ? '' : name.slice(0, at);
  if (missing > 1) mkdirSync(onDisk(directory), { recursive: true });
  const temporary = `${directory === '' ? '' : `${directory}/`}.caisson-${randomBytes(16).toString('hex')}`;
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  const mode = stats === undefined ? NEW_FILE : stats.mode & 0o777;
  const descriptor = openSync(onDisk(temporary), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode);
  try {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
    fchmodSync(descriptor, mode);
    renameSync(onDisk(temporary), onDisk(name));
  } catch (error) {
    rmSync(onDisk(temporary), { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return { name, created: stats === undefined };
}

/** Without the empty one that a final newline would make. */
export function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
