/**
 * Makes the workspace, and what is kept of its states, what a manifest says, whatever they are now. Contents that are not
 * here are asked for, checked by their hash and laid ready; only when all are there is anything changed.
 */
import { createHash, type Hash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  createReadStream,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { ByteReader } from './byte-reader.mts';
import { emptyWorkspace } from './copy.mts';
import { Failure } from './failure.mts';
import { evict } from './evict.mts';
import { byBytes, removeTree } from './files.mts';
import { keptObjects, keptTrees } from './kept.mts';
import { type Look, look } from './look.mts';
import {
  damaged,
  type KnownCopy,
  loadCopy,
  type Located,
  type Manifest,
  type ManifestEntry,
  saveCopy,
  sha256,
  unpackManifest,
} from './manifest.mts';
import { onDisk } from './names.mts';
import type { Request } from './protocol.mts';
import { signatureOf } from './scan.mts';
import { type Known, saveIndex } from './stat-index.mts';
import { keep, objectPath, STATE, unpack, writeWhole } from './store.mts';
import { lineOf, treePath } from './tree.mts';

type FileEntry = Extract<ManifestEntry, { type: 'file' }>;
/** Bytes of a pack, from one to before the other. */
export type Range = [pack: string, from: number, to: number];

/** Bytes between two wanted contents that are read with them: less than what another request costs in time. */
const GAP = 64 * 1024;
/** Bytes: a larger content is unpacked as it comes. */
const AT_ONCE = 4 * 1024 * 1024;
const OPEN = 0o700;
const PRIVATE = 0o600;
const SECOND = 1000;

/** @param begin called with what is wanted, whose bytes are to follow in that order */
export async function receive(
  { name, base, staging, manifest: sent, maxEntries }: Extract<Request, { op: 'receive' }>,
  content: AsyncIterable<Buffer>,
  begin: (ranges: Range[]) => void,
): Promise<{ received: number }> {
  const input = new ByteReader(content);
  const target = unpackManifest(sent && (await input.read(sent.bytes)), sent?.hash ?? '');
  // What nothing is known of may be anything, also what a machine that went down left of it.
  if (base === undefined) evict();
  const now = lookFor(target, base, maxEntries);
  const plan = new Plan(target, now);
  const wanted = plan.wanted();
  begin(rangesOf(wanted));
  mkdirSync(onDisk(staging), { mode: OPEN });
  try {
    const ready = await layReady(wanted, input, staging, (hash) => plan.keeps(hash));
    plan.carryOut(ready);
  } finally {
    removeTree(staging);
  }
  const known = { begun: Date.now(), signatures: signaturesOf(target), manifest: target };
  saveCopy(name, known);
  saveIndex({ begun: known.begun, tree: '', kept: keptBytes(target), files: readAlready(known) });
  return { received: wanted.reduce((bytes, [, { bytes: more }]) => bytes + more, 0) };
}

/** Only files that may be what they should be are worth reading. */
function lookFor(target: Manifest, base: string | undefined, maxEntries: number): Look {
  const sizes = new Map(target.entries.map((entry) => [entry.name, entry.type === 'file' ? entry.size : -1]));
  const options = {
    maxEntries,
    maxBytes: Number.POSITIVE_INFINITY,
    known: loadCopy(base),
    mustRead: (name: string, { size }: Stats) => sizes.get(name) === size,
  };
  try {
    return look(options);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // What somebody left here is more than can be looked at, or deeper than a path: it is not the truth in any case.
    emptyWorkspace();
    return look(options);
  }
}

/** What differs between a manifest and what is here. */
class Plan {
  readonly #target: Manifest;
  readonly #now: Map<string, ManifestEntry>;
  readonly #special: readonly string[];
  /** Files that are to come, by their content. */
  readonly #files = new Map<string, FileEntry[]>();
  readonly #objects: Set<string>;
  readonly #trees: Map<string, string>;

  constructor(target: Manifest, now: Look) {
    this.#target = target;
    this.#special = now.special;
    this.#now = new Map(now.entries.map((entry) => [entry.name, entry]));
    for (const entry of target.entries)
      if (entry.type === 'file' && !this.#isThere(entry)) {
        const same = this.#files.get(entry.hash);
        if (same === undefined) this.#files.set(entry.hash, [entry]);
        else same.push(entry);
      }
    const objects = new Set(keptObjects());
    this.#objects = new Set(target.objects.filter((hash) => !objects.has(hash)));
    const trees = new Set(keptTrees());
    this.#trees = new Map(
      target.trees.filter(([tree]) => !trees.has(tree)).map(([tree, hash]) => [hash, tree]),
    );
  }

  /** Whether a content is to be kept for states. */
  keeps(hash: string): boolean {
    return this.#objects.has(hash);
  }

  /** In the order in which they lie in their packs. */
  wanted(): [hash: string, Located][] {
    const hashes = new Set([...this.#files.keys(), ...this.#objects, ...this.#trees.keys()]);
    return [...hashes]
      .map((hash): [string, Located] => {
        const located = this.#target.contents.get(hash);
        if (located === undefined) throw damaged('a content is in none of the packs');
        return [hash, located];
      })
      .sort(([, a], [, b]) => byBytes(a.pack, b.pack) || a.at - b.at);
  }

  /** @param ready where each wanted content lies, and as it was sent */
  carryOut(ready: ReadonlyMap<string, Ready>): void {
    this.#keepStates(ready);
    const kept = new Map(this.#target.entries.map((entry) => [entry.name, entry]));
    const directories = this.#target.entries.filter((entry) => entry.type === 'directory');
    for (const [name, entry] of this.#now)
      if (entry.type === 'directory' && (entry.mode & OPEN) !== OPEN) chmodSync(onDisk(name), OPEN);
    this.#removeOthers(kept);
    for (const { name } of directories)
      if (this.#now.get(name)?.type !== 'directory') mkdirSync(onDisk(name), OPEN);
    for (const entry of this.#target.entries)
      if (entry.type === 'symlink' && !this.#isThere(entry))
        symlinkSync(Buffer.from(entry.target, 'latin1'), onDisk(entry.name));
    for (const [hash, files] of this.#files) this.#place(files, ready.get(hash));
    for (const entry of this.#target.entries) if (entry.type === 'file') settle(entry);
    // The deepest first: a closed one could not be passed any more.
    for (const { name, mode } of directories.toReversed()) chmodSync(onDisk(name), mode);
  }

  #isThere(entry: ManifestEntry): boolean {
    const now = this.#now.get(entry.name);
    if (entry.type === 'file')
      return now?.type === 'file' && now.hash === entry.hash && now.size === entry.size;
    if (entry.type === 'symlink') return now?.type === 'symlink' && now.target === entry.target;
    return now?.type === 'directory';
  }

  /** What is not to be there, the deepest first; a file that another follows is replaced in one step instead. */
  #removeOthers(kept: ReadonlyMap<string, ManifestEntry>): void {
    for (const name of [...this.#now.keys(), ...this.#special].sort(byBytes).toReversed()) {
      const next = kept.get(name);
      const now = this.#now.get(name);
      if (next !== undefined && next.type === now?.type && (next.type === 'file' || this.#isThere(next)))
        continue;
      if (now?.type === 'directory') rmdirSync(onDisk(name));
      else unlinkSync(onDisk(name));
    }
  }

  #place(files: readonly FileEntry[], ready: Ready | undefined): void {
    if (ready === undefined) throw new Error('a content was not asked for');
    const [first, ...others] = files;
    for (const { name } of others) {
      // Beside its place first: whoever has the old one open keeps it whole.
      const beside = Buffer.concat([ready.path, Buffer.from('.more')]);
      copyFileSync(ready.path, beside);
      renameSync(beside, onDisk(name));
    }
    if (first !== undefined) renameSync(ready.path, onDisk(first.name));
  }

  #keepStates(ready: ReadonlyMap<string, Ready>): void {
    const objects = new Set(this.#target.objects);
    for (const hash of keptObjects()) if (!objects.has(hash)) rmSync(objectPath(hash));
    for (const hash of this.#objects) {
      const { path, packed } = ready.get(hash) ?? {};
      if (path === undefined) throw new Error('a content was not asked for');
      if (packed === undefined) keep(hash, readFileSync(path));
      else writeWhole(objectPath(hash), readFileSync(packed), { lasting: false });
    }
    const trees = new Set(this.#target.trees.map(([tree]) => tree));
    for (const tree of keptTrees()) if (!trees.has(tree)) rmSync(treePath(tree));
    for (const [tree, hash, mtime] of this.#target.trees) {
      const path = ready.get(hash)?.path;
      if (path === undefined || !this.#trees.has(hash)) continue;
      writeWhole(treePath(tree), readFileSync(path), { lasting: false });
      utimesSync(treePath(tree), secondsOf(mtime), secondsOf(mtime));
    }
    // Of a way that somebody died on: what it led to is not what was stored.
    rmSync(`${STATE}/journal`, { force: true });
  }
}

interface Ready {
  path: Buffer;
  /** As it was sent, when it was compressed and that is what is wanted of it. */
  packed?: Buffer;
}

/** @param keepsPacked of which contents what they were compressed to is wanted, too */
async function layReady(
  wanted: readonly (readonly [string, Located])[],
  input: ByteReader,
  staging: string,
  keepsPacked: (hash: string) => boolean,
): Promise<Map<string, Ready>> {
  const ready = new Map<string, Ready>();
  let at: { pack: string; end: number } | undefined;
  for (const [number, [hash, located]] of wanted.entries()) {
    const { pack, at: from, bytes, deflated } = located;
    if (at !== undefined && isNear(at, located)) await input.skip(from - at.end);
    at = { pack, end: from + bytes };
    const path = onDisk(`${staging}/${number}`);
    const packedPath = onDisk(`${staging}/${number}.packed`);
    const isKept = deflated && keepsPacked(hash);
    if (bytes <= AT_ONCE) {
      const packed = await input.read(bytes);
      const whole = deflated ? unpackedOr(packed) : packed;
      if (sha256(whole) !== hash) throw damaged('a content is not the one that was stored');
      writeFileSync(path, whole, { mode: PRIVATE, flag: 'wx' });
      if (isKept) writeFileSync(packedPath, packed, { mode: PRIVATE, flag: 'wx' });
    } else {
      await fill(packedPath, input.piece(bytes));
      await expand(packedPath, path, deflated, hash);
      if (!isKept) unlinkSync(packedPath);
    }
    ready.set(hash, { path, ...(isKept ? { packed: packedPath } : {}) });
  }
  return ready;
}

function unpackedOr(packed: Buffer): Buffer {
  try {
    return unpack(packed);
  } catch {
    throw damaged('a content cannot be unpacked');
  }
}

async function fill(path: Buffer, content: AsyncIterable<Buffer>): Promise<void> {
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  const descriptor = openSync(path, O_CREAT | O_EXCL | O_WRONLY, PRIVATE);
  try {
    for await (const chunk of content)
      for (let written = 0; written < chunk.length;) written += writeSync(descriptor, chunk, written);
  } finally {
    closeSync(descriptor);
  }
}

async function expand(packed: Buffer, path: Buffer, deflated: boolean, hash: string): Promise<void> {
  const seen = createHash('sha256');
  const source = createReadStream(packed);
  try {
    if (deflated)
      await pipeline(source, createInflateRaw(), hashing(seen), (content) =>
        fill(path, content as AsyncIterable<Buffer>),
      );
    else await pipeline(source, hashing(seen), (content) => fill(path, content as AsyncIterable<Buffer>));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_') === true)
      throw damaged('a content cannot be unpacked');
    throw error;
  }
  if (seen.digest('hex') !== hash) throw damaged('a content is not the one that was stored');
}

const hashing = (hash: Hash): Transform =>
  new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });

/** In the middle of its millisecond: what becomes of a fraction on its way to the file system and back is not exact. */
const secondsOf = (mtime: number): number => (mtime + 0.5) / SECOND;

/** Gives a file its mode and its time, where it has not got them. */
function settle({ name, mode, mtime }: FileEntry): void {
  const stats = lstatSync(onDisk(name));
  if ((stats.mode & 0o7777) !== mode) chmodSync(onDisk(name), mode);
  if (Math.trunc(stats.mtimeMs) !== mtime) utimesSync(onDisk(name), stats.atime, secondsOf(mtime));
}

const signaturesOf = ({ entries }: Manifest): Map<string, string> =>
  new Map(
    entries
      .filter(({ type }) => type === 'file')
      .map(({ name }) => [name, signatureOf(lstatSync(onDisk(name)))]),
  );

/** So that the next snapshot need not read what has just been checked; only what is kept already, for it would not keep it. */
function readAlready({ manifest, signatures }: KnownCopy): Map<string, Known> {
  const objects = new Set(manifest.objects);
  const files = new Map<string, Known>();
  for (const entry of manifest.entries)
    if (entry.type === 'file' && objects.has(entry.hash))
      files.set(entry.name, { signature: signatures.get(entry.name) ?? '', line: lineOf(entry) });
  return files;
}

const keptBytes = ({ objects, contents }: Manifest): number =>
  objects.reduce((bytes, hash) => bytes + (contents.get(hash)?.bytes ?? 0), 0);

function rangesOf(wanted: readonly (readonly [string, Located])[]): Range[] {
  const ranges: Range[] = [];
  for (const [, located] of wanted) {
    const last = ranges.at(-1);
    const end = located.at + located.bytes;
    if (last !== undefined && isNear({ pack: last[0], end: last[2] }, located)) last[2] = end;
    else ranges.push([located.pack, located.at, end]);
  }
  return ranges;
}

/** Whether the next content is read together with what came before. */
const isNear = (before: { pack: string; end: number }, next: Located): boolean =>
  before.pack === next.pack && next.at - before.end <= GAP;
