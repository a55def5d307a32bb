/** Writes one file whole or not at all: beside its place first, then over it in one step. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { Failure } from './failure.mts';
import { fromUtf8, onDisk } from './names.mts';
import { resolve } from './resolve.mts';

const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW, O_RDONLY, O_DIRECTORY } = constants;
const NEW_FILE = 0o644;

/** @throws Failure E004 outside or no regular file, E015 above `maxBytes` */
export async function write(
  path: string,
  content: AsyncIterable<Buffer>,
  maxBytes: number,
): Promise<{ created: boolean; size: number }> {
  const { name, stats, missing } = resolve(fromUtf8(path), { lastLink: true });
  if (stats !== undefined && !stats.isFile())
    throw new Failure('E004', stats.isDirectory() ? 'a directory is there' : 'not a regular file');
  const parts = name.split('/');
  const directory = parts.slice(0, -1).join('/');
  if (missing > 1) mkdirSync(onDisk(directory), { recursive: true });
  const temporary = `${directory === '' ? '' : `${directory}/`}.caisson-${randomBytes(16).toString('hex')}`;
  const discard = () => rmSync(onDisk(temporary), { force: true });
  // The server asks this way to give up, e.g. when its client went away in the middle.
  process.once('SIGTERM', () => {
    discard();
    process.exit(1);
  });
  try {
    const size = await fill(
      temporary,
      content,
      maxBytes,
      stats === undefined ? NEW_FILE : stats.mode & 0o777,
    );
    renameSync(onDisk(temporary), onDisk(name));
    syncDirectory(directory);
    return { created: stats === undefined, size };
  } catch (error) {
    discard();
    throw error;
  }
}

async function fill(
  name: string,
  content: AsyncIterable<Buffer>,
  maxBytes: number,
  mode: number,
): Promise<number> {
  const descriptor = openSync(onDisk(name), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode);
  try {
    let size = 0;
    for await (const chunk of content) {
      size += chunk.length;
      if (size > maxBytes) throw new Failure('E015', `the file is larger than ${maxBytes} bytes`);
      for (let written = 0; written < chunk.length;) written += writeSync(descriptor, chunk, written);
    }
    fchmodSync(descriptor, mode);
    fsyncSync(descriptor);
    return size;
  } finally {
    closeSync(descriptor);
  }
}

/** So that the new name, too, survives a power cut. */
function syncDirectory(directory: string): void {
  const descriptor = openSync(onDisk(directory), O_RDONLY | O_DIRECTORY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
