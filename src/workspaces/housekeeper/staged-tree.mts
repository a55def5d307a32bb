/**
 * A tree from outside, built beside the workspace's files: each entry is checked before it is written, and nothing of it
 * is in place yet. Names are UTF-8, relative to the target directory.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { Failure } from './failure.mts';
import { fromUtf8, onDisk, ROOT } from './names.mts';
import { hiddenCharacters, workspacePathProblem } from './path-rule.mts';
import type { FailureCode, TreeLimits } from './protocol.mts';

const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
/** Owner's bits that every file and directory gets: without them it could be neither read, moved nor removed. */
const OWN_FILE = 0o600;
const OWN_DIRECTORY = 0o700;
const DIRECTORY = 0o755;
/** No setuid, setgid or sticky bit comes from outside. */
const PERMISSIONS = 0o777;
/** Bytes: what the kernel takes as a link's target. */
const TARGET_MAX_BYTES = 4095;
/** Characters of a name in an error: longer ones are cut, so that it stays readable. */
const SHOWN_MAX = 200;

type Kind = 'file' | 'directory' | 'symlink';

export class StagedTree {
  readonly #root: string;
  readonly #into: string;
  readonly #limits: TreeLimits;
  /** Of every path from the workspace's root. */
  readonly #kinds = new Map<string, Kind>();
  #files = 0;
  #bytes = 0;

  /**
   * @param root directory of its own that exists and is empty, by the name the file system has
   * @param into target directory from the workspace's root, as `resolve` gives it
   */
  constructor(root: string, into: string, limits: TreeLimits) {
    this.#root = root;
    this.#into = into;
    this.#limits = limits;

    if (into !== '') this.#makeDirectories(into);
  }

  get files(): number {
    return this.#files;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Naming a directory again, or after what is in it, is no error: many archives do. */
  directory(name: string, mode: number): void {
    const path = this.#path(name);
    if (this.#kinds.get(path) !== 'directory') this.#claim(name, path, 'directory');
    chmodSync(this.#place(path), (mode & PERMISSIONS) | OWN_DIRECTORY);
  }

  /** @param size what the archive says of it, when it does */
  async file(name: string, mode: number, content: AsyncIterable<Buffer>, size = 0): Promise<void> {
    const path = this.#path(name);
    if (size > this.#limits.maxBytes - this.#bytes) throw this.#tooManyBytes(name);
    this.#claim(name, path, 'file');
    this.#files += 1;
    const descriptor = openSync(this.#place(path), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, OWN_FILE);
    try {
      for await (const chunk of content) {
        this.#bytes += chunk.length;
        if (this.#bytes > this.#limits.maxBytes) throw this.#tooManyBytes(name);
        for (let written = 0; written < chunk.length;) written += writeSync(descriptor, chunk, written);
      }
      fchmodSync(descriptor, (mode & PERMISSIONS) | OWN_FILE);
    } finally {
      closeSync(descriptor);
    }
  }

  symlink(name: string, target: string): void {
    const path = this.#path(name);
    const problem = targetProblem(target, path.split('/').length - 1);
    if (problem !== undefined) throw refused(name, problem.code, problem.reason);
    this.#claim(name, path, 'symlink');
    symlinkSync(Buffer.from(target), this.#place(path));
  }

  /** @param target an earlier file of the same tree */
  hardLink(name: string, target: string): void {
    const path = this.#path(name);
    const source = this.#path(target);
    if (this.#kinds.get(source) !== 'file')
      throw refused(name, 'E004', 'is a hard link to something that is no earlier file of the archive');
    this.#claim(name, path, 'file');
    this.#files += 1;
    linkSync(this.#place(source), this.#place(path));
  }

  /** From the workspace's root, checked. */
  #path(name: string): string {
    const problem = workspacePathProblem(name);
    if (problem !== undefined) throw refused(name, problem.code, problem.reason);
    const path = this.#into === '' ? name : `${this.#into}/${name}`;
    if (path.split('/').length > this.#limits.maxDepth)
      throw refused(name, 'E015', `lies deeper than ${this.#limits.maxDepth} directories`);
    return path;
  }

  /** Takes the path for an entry, with the directories above it. */
  #claim(name: string, path: string, kind: Kind): void {
    if (this.#kinds.has(path)) throw refused(name, 'E003', 'is in the archive twice');
    const above = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (above !== '') this.#makeDirectories(above, name);
    if (kind === 'directory') this.#makeDirectory(path);
    else this.#count(path, kind);
  }

  #makeDirectories(path: string, name = path): void {
    const parts = path.split('/');
    for (let length = 1; length <= parts.length; length += 1) {
      const directory = parts.slice(0, length).join('/');
      const kind = this.#kinds.get(directory);
      if (kind === undefined) this.#makeDirectory(directory);
      else if (kind === 'symlink') throw refused(name, 'E004', 'leads through a link of the archive');
      else if (kind === 'file') throw refused(name, 'E003', 'lies below a file of the archive');
    }
  }

  #makeDirectory(path: string): void {
    this.#count(path, 'directory');
    mkdirSync(this.#place(path), DIRECTORY);
  }

  #count(path: string, kind: Kind): void {
    if (this.#kinds.size >= this.#limits.maxEntries)
      throw new Failure('E015', `there are more than ${this.#limits.maxEntries} entries`);
    this.#kinds.set(path, kind);
  }

  #place(path: string): Buffer {
    return onDisk(`${this.#root}/${fromUtf8(path)}`);
  }

  #tooManyBytes(name: string): Failure {
    return refused(name, 'E015', `makes it more than ${this.#limits.maxBytes} bytes`);
  }
}

/** The refusal of the whole because of one entry, which it names. */
export function refused(name: string, code: FailureCode, reason: string): Failure {
  const shown = readable(name);
  return new Failure(code, `${shown} ${reason}`, { entry: shown });
}

/**
 * A target may go up at its beginning, as far as the link is deep, and nowhere else: the directories above an entry are
 * never links, so that this much can be told from the text. `a/../..` depends on what `a` is, and is refused.
 */
export function targetProblem(
  target: string,
  depth: number,
): { code: FailureCode; reason: string } | undefined {
  const hidden = hiddenCharacters(target);
  if (target === '' || Buffer.byteLength(target) > TARGET_MAX_BYTES || target.includes('\ufffd'))
    return { code: 'E003', reason: 'is a link whose target is no path' };
  if (hidden !== undefined) return { code: 'E003', reason: `is a link whose target ${hidden}` };
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const up = parts.findIndex((part) => part !== '..');
  const climbs = up < 0 ? parts.length : up;
  const inside = target.startsWith('/')
    ? climbs === 0 && (target === ROOT || target.startsWith(`${ROOT}/`))
    : climbs <= depth;
  return inside && !parts.slice(climbs).includes('..')
    ? undefined
    : { code: 'E004', reason: `is a link that leads out of the workspace: ${readable(target)}` };
}

/** In quotes, with every character that would not be seen written out. */
function readable(name: string): string {
  const cut = name.length > SHOWN_MAX ? `${name.slice(0, SHOWN_MAX)}…` : name;
  return JSON.stringify(cut).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
