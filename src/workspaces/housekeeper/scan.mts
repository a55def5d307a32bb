/** Records the present state of a workspace; files that are surely as they were are not read again. */
import { createHash } from 'node:crypto';
import { lstatSync, readlinkSync, readSync, type BigIntStats } from 'node:fs';
import { errorCode, Failure } from './failure.mts';
import { typeOf } from './files.mts';
import { onDisk } from './names.mts';
import { openFile } from './open-file.mts';
import { keep, type Manifest, type Recorded } from './store.mts';
import { walk } from './walk.mts';

/** Directories whose content is no part of a change: what a package manager or git itself can make again. */
export const LEFT_OUT = /(?:^|\/)(?:node_modules|\.git)$/;
/**
 * Nanoseconds. A file that changed this shortly before a scan may have changed once more within the same tick of the
 * file system's clock (10 ms at most), with the same times: its stat proves nothing and it is read again.
 */
const RACY = 100_000_000n;
/** Bytes: a larger file (sparse ones can be terabytes) is told apart by its stat alone. */
const HASHED_MAX = 64 * 1024 * 1024;
const CHUNK = 1024 * 1024;

export interface Scan {
  manifest: Manifest;
  /** Directories that were left out, by name. */
  skipped: string[];
  /** How many files were read. */
  read: number;
}

export interface ScanOptions {
  maxEntries: number;
  /** Bytes up to which a content is kept. */
  contentMaxBytes: number;
  /** What is known from before. */
  known: Manifest | undefined;
}

/** @throws Failure E015 */
export function scan({ maxEntries, contentMaxBytes, known }: ScanOptions): Scan {
  const begun = BigInt(Date.now()) * 1_000_000n;
  // Without a prototype: a file may be called __proto__.
  const entries: Record<string, Recorded> = Object.create(null) as Record<string, Recorded>;
  const skipped: string[] = [];
  let read = 0;
  walk(
    '',
    { maxEntries, leaveOut: (name) => LEFT_OUT.test(name) },
    {
      skipped: (name) => skipped.push(name),
      entry: (name) => {
        const before = known?.entries[name];
        const found = record(name, (stats) =>
          isSurelySame(stats, before, known) ? before?.hash : ((read += 1), hashOf(name, contentMaxBytes)),
        );
        if (found !== undefined) entries[name] = found;
      },
    },
  );
  return { manifest: { begun: String(begun), entries }, skipped, read };
}

/** Undefined for directories, and for what is gone meanwhile. */
function record(name: string, hash: (stats: BigIntStats) => string | undefined): Recorded | undefined {
  try {
    const stats = lstatSync(onDisk(name), { bigint: true });
    const type = typeOf(stats);
    if (type === 'directory') return undefined;
    return {
      type,
      mode: Number(stats.mode & 0o777n),
      size: type === 'other' ? 0 : Number(stats.size),
      modified: String(stats.mtimeNs),
      changed: String(stats.ctimeNs),
      inode: String(stats.ino),
      ...(type === 'file' ? { hash: hash(stats) } : {}),
      ...(type === 'symlink' ? { target: readlinkSync(onDisk(name), 'latin1') } : {}),
    };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EINVAL'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

function isSurelySame(
  stats: BigIntStats,
  before: Recorded | undefined,
  known: Manifest | undefined,
): boolean {
  return (
    before?.hash !== undefined &&
    known !== undefined &&
    before.size === Number(stats.size) &&
    before.modified === String(stats.mtimeNs) &&
    before.changed === String(stats.ctimeNs) &&
    before.inode === String(stats.ino) &&
    stats.ctimeNs + RACY < BigInt(known.begun)
  );
}

/** Undefined when the file cannot be read, or is too large. */
function hashOf(name: string, contentMaxBytes: number): string | undefined {
  try {
    using file = openFile(name);
    if (file.stats.size > HASHED_MAX) return undefined;
    const hash = createHash('sha256');
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK, Number(file.stats.size) - size + 1));
      const length = readSync(file.descriptor, chunk);
      if (length === 0) break;
      size += length;
      if (size > HASHED_MAX) return undefined;
      hash.update(chunk.subarray(0, length));
      if (size <= contentMaxBytes) chunks.push(chunk.subarray(0, length));
    }
    return size <= contentMaxBytes ? keep(Buffer.concat(chunks)) : hash.digest('hex');
  } catch (error) {
    if (error instanceof Failure || ['EACCES', 'ELOOP', 'ENXIO'].includes(errorCode(error) ?? ''))
      return undefined;
    throw error;
  }
}
