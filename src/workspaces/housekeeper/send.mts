/** Sends what has changed in a workspace since a version as the pack of the next one. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { readFileSync, readSync, statSync } from 'node:fs';
import { createDeflateRaw, deflateRawSync } from 'node:zlib';
import { Failure } from './failure.mts';
import { byBytes } from './files.mts';
import { keptObjects, keptTrees } from './kept.mts';
import { look } from './look.mts';
import {
  type Footer,
  isSame,
  loadCopy,
  type Located,
  type Manifest,
  packManifest,
  saveCopy,
  sha256,
} from './manifest.mts';
import { shown } from './names.mts';
import { openFile } from './open-file.mts';
import type { Request } from './protocol.mts';
import { objectPath, unpack } from './store.mts';
import { treePath } from './tree.mts';

/** Bytes: a larger content is compressed as it is sent. */
const AT_ONCE = 4 * 1024 * 1024;
const CHUNK = 256 * 1024;
/** Bytes from which it is told whether a large content can be compressed at all, and the part that must be left then. */
const SAMPLE = 64 * 1024;
const WORTH_IT = 0.95;
/** The lightest, as in `store.mts`. */
const LEVEL = 1;
/** Packs that a version names at most, and how many of so many may stay: the others are sent anew as part of the next one. */
const PACKS_MAX = 16;
const PACKS_LEFT = 8;
/** A pack of which less than this part is named any more is sent anew, too. */
const LIVE_PART = 0.5;
/** Characters that say how long the footer is. */
const LENGTH_CHARS = 8;

/** Where a content can be read here. */
type Source = { object: string } | { tree: string } | { file: string; size: number };

/** @param begin called with whether there is nothing to send, before the first byte */
export async function send(
  { name, base, maxEntries, maxBytes }: Extract<Request, { op: 'send' }>,
  begin: (isSame: boolean) => void,
  output: NodeJS.WritableStream,
): Promise<void> {
  const known = loadCopy(base);
  const found = look({ maxEntries, maxBytes, known });
  const sources = new Map<string, Source>();
  const trees = keptTrees().map((tree): [string, string, number] => {
    const hash = sha256(readFileSync(treePath(tree)));
    sources.set(hash, { tree });
    return [tree, hash, Math.trunc(statSync(treePath(tree)).mtimeMs)];
  });
  const objects = keptObjects();
  for (const entry of found.entries)
    if (entry.type === 'file') sources.set(entry.hash, { file: entry.name, size: entry.size });
  // Last: what is kept is compressed already.
  for (const hash of objects) sources.set(hash, { object: hash });
  const manifest: Manifest = {
    entries: found.entries,
    objects,
    trees,
    ...stillNamed(known?.manifest, sources),
  };
  if (base !== undefined && known !== undefined && isSame(known.manifest, manifest)) {
    saveCopy(base, { ...found, manifest: known.manifest });
    return begin(true);
  }
  begin(false);
  const pack = new Pack(name, output);
  for (const [hash, source] of sources)
    if (!manifest.contents.has(hash)) manifest.contents.set(hash, await pack.add(hash, source));
  manifest.packs.set(name, pack.size);
  await pack.end(manifest, found.bytes);
  saveCopy(name, { ...found, manifest }, base);
}

/** The contents that need not be sent, with the packs that they are in. */
function stillNamed(
  before: Manifest | undefined,
  sources: ReadonlyMap<string, Source>,
): Pick<Manifest, 'contents' | 'packs'> {
  const named = [...(before?.contents ?? [])].filter(([hash]) => sources.has(hash));
  const live = new Map<string, number>();
  for (const [, { pack, bytes }] of named) live.set(pack, (live.get(pack) ?? 0) + bytes);
  const staying = staysOf(
    [...live].map(([pack, bytes]) => ({ pack, bytes, all: before?.packs.get(pack) ?? 0 })),
  );
  return {
    contents: new Map(named.filter(([, { pack }]) => staying.has(pack))),
    packs: new Map([...(before?.packs ?? [])].filter(([pack]) => staying.has(pack))),
  };
}

/**
 * Which packs are worth having any longer. Of too many, the largest, and only those that are each larger than what becomes of
 * all the smaller ones: so a content is sent again only with at least as much as it was with before.
 */
export function staysOf(packs: readonly { pack: string; bytes: number; all: number }[]): Set<string> {
  const full = packs
    .filter(({ bytes, all }) => bytes >= all * LIVE_PART)
    .sort((a, b) => b.bytes - a.bytes || byBytes(a.pack, b.pack));
  let count = full.length;
  if (count >= PACKS_MAX) {
    const after = (from: number) => full.slice(from).reduce((sum, { bytes }) => sum + bytes, 0);
    count = PACKS_LEFT;
    while (count > 0 && (full[count - 1]?.bytes ?? 0) < after(count)) count -= 1;
  }
  return new Set(full.slice(0, count).map(({ pack }) => pack));
}

class Pack {
  readonly #name: string;
  readonly #output: NodeJS.WritableStream;
  #at = 0;

  constructor(name: string, output: NodeJS.WritableStream) {
    this.#name = name;
    this.#output = output;
  }

  get size(): number {
    return this.#at;
  }

  async add(hash: string, source: Source): Promise<Located> {
    const at = this.#at;
    const deflated = await this.#send(hash, source);
    return { pack: this.#name, at, bytes: this.#at - at, deflated };
  }

  async end(manifest: Manifest, bytes: number): Promise<void> {
    const packed = packManifest(manifest);
    const at = this.#at;
    await this.#write(packed);
    const kept = manifest.objects.reduce((sum, hash) => sum + (manifest.contents.get(hash)?.bytes ?? 0), 0);
    const footer: Footer = {
      manifest: { at, bytes: packed.length, hash: sha256(packed) },
      packs: [...manifest.packs.keys()],
      bytes: bytes + kept,
    };
    const text = JSON.stringify(footer);
    await this.#write(Buffer.from(text + text.length.toString(16).padStart(LENGTH_CHARS, '0')));
  }

  /** Answers whether it is compressed. */
  async #send(hash: string, source: Source): Promise<boolean> {
    if ('object' in source) {
      const packed = readFileSync(objectPath(source.object));
      if (sha256(unpack(packed)) !== hash) throw new Error(`the content ${hash} is damaged`);
      await this.#write(packed);
      return true;
    }
    if ('tree' in source) {
      await this.#write(readFileSync(treePath(source.tree)));
      return false;
    }
    return source.size > AT_ONCE ? this.#stream(hash, source.file) : this.#whole(hash, source.file);
  }

  async #whole(hash: string, name: string): Promise<boolean> {
    using file = openFile(name);
    const content = readFileSync(file.descriptor);
    if (sha256(content) !== hash) throw changed(name);
    const packed = deflateRawSync(content, { level: LEVEL });
    const isWorthIt = packed.length < content.length * WORTH_IT;
    await this.#write(isWorthIt ? packed : content);
    return isWorthIt;
  }

  async #stream(hash: string, name: string): Promise<boolean> {
    using file = openFile(name);
    const seen = createHash('sha256');
    const isWorthIt = compresses(name);
    const content = chunksOf(file.descriptor, (chunk) => seen.update(chunk));
    const send = async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await this.#write(chunk);
    };
    if (isWorthIt) await pipeline(content, createDeflateRaw({ level: LEVEL }), send);
    else await send(content);
    if (seen.digest('hex') !== hash) throw changed(name);
    return isWorthIt;
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#at += bytes.length;
    if (!this.#output.write(bytes)) await once(this.#output as NodeJS.WriteStream, 'drain');
  }
}

async function* chunksOf(descriptor: number, seen: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const length = readSync(descriptor, chunk);
    if (length === 0) return;
    seen(chunk.subarray(0, length));
    yield await Promise.resolve(chunk.subarray(0, length));
  }
}

function compresses(name: string): boolean {
  using file = openFile(name);
  const sample = Buffer.alloc(SAMPLE);
  const length = readSync(file.descriptor, sample, 0, SAMPLE, 0);
  return deflateRawSync(sample.subarray(0, length), { level: LEVEL }).length < length * WORTH_IT;
}

const changed = (name: string): Failure =>
  new Failure(
    'E010',
    `${shown(name)} was changed while it was stored; nothing may write to the project then`,
  );
