/** Packs a tree as a tar.gz that is sent while it is made, and remembers what each file was. */
import { createHash } from 'node:crypto';
import { constants, lstatSync, readlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import tar from 'tar-stream';
import type { Tree } from './tree.js';

/** Path → SHA-256 of what was sent: by this a file that has changed since is known. */
export type Manifest = Map<string, string>;

export const digestOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

export interface Packed {
  archive: ReadableStream<Uint8Array>;
  /** Resolves when everything has been read. */
  manifest: Promise<Manifest>;
}

export function pack({ root, paths }: Tree): Packed {
  const entries = tar.pack();
  const gzip = createGzip();
  const manifest: Manifest = new Map();
  const reading = (async () => {
    for (const path of paths) await add(entries, root, path, manifest);
    entries.finalize();
  })();
  // What cannot be read ends the stream as broken: the server then takes nothing of it.
  reading.catch((error: unknown) => entries.destroy(error as Error));
  const sent = pipeline(entries, gzip);
  const whole = Promise.all([reading, sent]).then(() => manifest);
  whole.catch(() => undefined); // the upload fails for the same reason, and is what is waited for
  return { archive: Readable.toWeb(gzip) as ReadableStream<Uint8Array>, manifest: whole };
}

async function add(entries: tar.Pack, root: string, path: string, manifest: Manifest): Promise<void> {
  const place = join(root, path);
  const stats = lstatSync(place, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink() === true) {
    const target = readlinkSync(place);
    manifest.set(path, `link to ${target}`);
    return write(entries, { name: path, type: 'symlink', linkname: target });
  }
  if (stats?.isFile() !== true) return; // gone since it was listed
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  await using file = await open(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const content = await file.readFile();
  manifest.set(path, digestOf(content));
  await write(entries, { name: path, mode: stats.mode & 0o777, mtime: stats.mtime }, content);
}

/** Resolves when there is room for the next. */
function write(
  entries: tar.Pack,
  header: Partial<tar.Header> & { name: string },
  content: Buffer = NOTHING,
): Promise<void> {
  return new Promise((resolve, reject) => {
    entries.entry({ ...header, size: content.length }, content, (error) =>
      error === null || error === undefined ? resolve() : reject(error),
    );
  });
}

const NOTHING = Buffer.alloc(0);
