/** What is in the workspace now, everything included; files that are surely as they were are not read again. */
import { createHash } from 'node:crypto';
import { lstatSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { errorCode, Failure, isAbsence } from './failure.mts';
import { byBytes, typeOf } from './files.mts';
import type { KnownCopy, ManifestEntry } from './manifest.mts';
import { onDisk, shown } from './names.mts';
import { openFile } from './open-file.mts';
import { signatureOf } from './scan.mts';
import { walk } from './walk.mts';

/** Milliseconds, as in `scan.mts`: what changed this shortly before may have changed once more within the same tick. */
const RACY = 100;
const PERMISSIONS = 0o7777;
const READ_AT_ONCE = 1024 * 1024;

export interface Look {
  begun: number;
  entries: ManifestEntry[];
  signatures: Map<string, string>;
  /** Bytes of all files. */
  bytes: number;
  /** Names of what no copy can hold: pipes, sockets, devices. */
  special: string[];
}

export interface LookOptions {
  maxEntries: number;
  /** Bytes of all files, above which nothing is read any more. */
  maxBytes: number;
  known?: KnownCopy;
  /** Of files that are not surely as they were: whether to read them. Others get an empty hash. */
  mustRead?: (name: string, stats: Stats) => boolean;
}

/** @throws Failure E015 */
export function look({ maxEntries, maxBytes, known, mustRead = () => true }: LookOptions): Look {
  const begun = Date.now();
  const before = new Map(known?.manifest.entries.map((entry) => [entry.name, entry]));
  const entries: ManifestEntry[] = [];
  const signatures = new Map<string, string>();
  const special: string[] = [];
  let bytes = 0;
  const file = (name: string, stats: Stats): ManifestEntry => {
    bytes += stats.size;
    if (bytes > maxBytes) throw new Failure('E015', `the files are more than ${maxBytes} bytes`);
    const signature = signatureOf(stats);
    signatures.set(name, signature);
    const last = before.get(name);
    const isSame =
      last?.type === 'file' &&
      known?.signatures.get(name) === signature &&
      stats.ctimeMs + RACY < known.begun;
    if (isSame) return last;
    const { hash, size } = mustRead(name, stats) ? hashOfFile(name) : { hash: '', size: stats.size };
    const mtime = Math.trunc(stats.mtimeMs);
    return { type: 'file', name, mode: stats.mode & PERMISSIONS, mtime, size, hash };
  };
  walk(
    '',
    { maxEntries },
    {
      skipped: (name) => {
        throw new Failure('E015', `the directory ${shown(name)} cannot be read as a whole`);
      },
      entry: (name) => {
        try {
          const stats = lstatSync(onDisk(name));
          const type = typeOf(stats);
          if (type === 'directory') entries.push({ type, name, mode: stats.mode & PERMISSIONS });
          else if (type === 'symlink')
            entries.push({ type, name, target: readlinkSync(onDisk(name), 'latin1') });
          else if (type === 'file') entries.push(file(name, stats));
          else special.push(name);
        } catch (error) {
          // Gone meanwhile: nobody writes here while it is looked at, but the dead may still be dying.
          if (!isAbsence(error) && errorCode(error) !== 'EINVAL') throw error;
        }
      },
    },
  );
  return { begun, entries: entries.sort((a, b) => byBytes(a.name, b.name)), signatures, bytes, special };
}

/** Of a file of whatever size. */
export function hashOfFile(name: string): { hash: string; size: number } {
  using file = openFile(name);
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(Math.min(READ_AT_ONCE, Math.max(1, Number(file.stats.size))));
  let size = 0;
  for (let length = readSync(file.descriptor, chunk); length > 0; length = readSync(file.descriptor, chunk)) {
    hash.update(chunk.subarray(0, length));
    size += length;
  }
  return { hash: hash.digest('hex'), size };
}
