/** Finds the present content of a workspace; files that are surely as they were are not read again. */
import { createHash } from 'node:crypto';
import { lstatSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { errorCode, Failure, isAbsence } from './failure.mts';
import { typeOf } from './files.mts';
import { onDisk } from './names.mts';
import { openFile } from './open-file.mts';
import { statsIfAny } from './stats.mts';
import type { Known, StatIndex } from './stat-index.mts';
import { keep } from './store.mts';
import { lineOf, type Tree, treeOf } from './tree.mts';
import { walk } from './walk.mts';

/** Directories whose content is no part of a state: what a package manager or git itself can make again. */
export const LEFT_OUT = /(?:^|\/)(?:node_modules|\.git)$/;
/**
 * Milliseconds. A file that changed this shortly before a scan may have changed once more within the same tick of the
 * file system's clock (10 ms at most), with the same times: its stat proves nothing and it is read again.
 */
const RACY = 100;
const PERMISSIONS = 0o7777;

export interface ScanLimits {
  maxEntries: number;
  /** Bytes: a larger file (sparse ones can be terabytes) is told apart by its stat alone. */
  fileMaxBytes: number;
  /** Bytes of all kept contents, above which contents are hashed and not kept. */
  storeMaxBytes: number;
}

export interface Scan {
  begun: number;
  tree: Tree;
  files: Map<string, Known>;
  /** Directories that were left out, by name. */
  skipped: string[];
  /** How many files were read. */
  read: number;
  /** Bytes of all files. */
  bytes: number;
  /** Bytes that kept contents take now. */
  kept: number;
}

/** @throws Failure E015 */
export function scan(limits: ScanLimits, known: StatIndex | undefined): Scan {
  const recorder = new Recorder(limits, known);
  const entries: [string, string][] = [];
  const files = new Map<string, Known>();
  const skipped: string[] = [];
  walk(
    '',
    { maxEntries: limits.maxEntries, leaveOut: (name) => LEFT_OUT.test(name) },
    {
      skipped: (name) => skipped.push(name),
      entry: (name) => {
        if (LEFT_OUT.test(name) && isDirectoryNow(name)) return;
        const found = recorder.record(name);
        if (found === undefined) return;
        entries.push([name, found.line]);
        if (found.signature !== '') files.set(name, found);
      },
    },
  );
  const { begun, read, bytes, kept } = recorder;
  return { begun, tree: treeOf(entries), files, skipped, read, bytes, kept };
}

/** Says what is at a name now, in the words of a tree, and keeps the contents it reads. */
export class Recorder {
  readonly begun = Date.now();
  read = 0;
  bytes = 0;
  kept: number;
  readonly #limits: ScanLimits;
  readonly #known: StatIndex | undefined;

  constructor(limits: ScanLimits, known: StatIndex | undefined) {
    this.#limits = limits;
    this.#known = known;
    this.kept = known?.kept ?? 0;
  }

  /** Undefined for what is not there. The signature is '' for all but files. */
  record(name: string): Known | undefined {
    try {
      const stats = lstatSync(onDisk(name));
      const type = typeOf(stats);
      const mode = stats.mode & PERMISSIONS;
      if (type === 'symlink')
        return { signature: '', line: lineOf({ type, target: readlinkSync(onDisk(name), 'latin1') }) };
      if (type !== 'file') return { signature: '', line: lineOf({ type, mode }) };
      this.bytes += stats.size;
      const signature = signatureOf(stats);
      const before = this.#known?.files.get(name);
      const isSame =
        before?.signature === signature && stats.ctimeMs + RACY < (this.#known?.begun ?? Number.NaN);
      return { signature, line: isSame ? before.line : this.#lineOfFile(name, stats, signature) };
    } catch (error) {
      if (isAbsence(error) || errorCode(error) === 'EINVAL') return undefined;
      throw error;
    }
  }

  #lineOfFile(name: string, stats: Stats, signature: string): string {
    const mode = stats.mode & PERMISSIONS;
    const content =
      stats.size > this.#limits.fileMaxBytes ? undefined : contentOf(name, this.#limits.fileMaxBytes);
    if (content === undefined)
      return lineOf({ type: 'unread', mode, size: stats.size, hash: sha256(signature) });
    this.read += 1;
    const hash = sha256(content);
    if (this.kept < this.#limits.storeMaxBytes) this.kept += keep(hash, content);
    return lineOf({ type: 'file', mode, size: content.length, hash });
  }
}

/**
 * What tells that a file is the same. Times as floating milliseconds tell a quarter of a microsecond apart, far below a tick.
 */
export const signatureOf = ({ mode, size, mtimeMs, ctimeMs, ino }: Stats): string =>
  `${mode} ${size} ${mtimeMs} ${ctimeMs} ${ino}`;

const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');

const isDirectoryNow = (name: string): boolean => statsIfAny(name)?.isDirectory() === true;

/** Undefined when the file cannot be read, or is too large. */
function contentOf(name: string, maxBytes: number): Buffer | undefined {
  try {
    using file = openFile(name);
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.max(Number(file.stats.size) - size, 0) + 1);
      const length = readSync(file.descriptor, chunk);
      if (length === 0) return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      size += length;
      if (size > maxBytes) return undefined;
      chunks.push(chunk.subarray(0, length));
    }
  } catch (error) {
    if (error instanceof Failure || ['EACCES', 'ELOOP', 'ENXIO'].includes(errorCode(error) ?? ''))
      return undefined;
    throw error;
  }
}
