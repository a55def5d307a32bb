/** Packs a directory of the workspace as a stream: links as links, special files left out, nothing followed. */
import { isUtf8 } from 'node:buffer';
import { type EventEmitter, once } from 'node:events';
import { constants, createReadStream, lstatSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import tar from 'tar-stream';
import yazl from 'yazl';
import { errorCode, Failure } from './failure.mts';
import { byBytes } from './files.mts';
import { fromUtf8, onDisk, shown } from './names.mts';
import { openFile, type OpenFile } from './open-file.mts';
import type { ArchiveFormat } from './protocol.mts';
import { resolveExisting } from './resolve.mts';
import { LEFT_OUT } from './scan.mts';
import { walk } from './walk.mts';

/** Bytes: a file up to this size is read before it is announced, so that one that shrinks meanwhile does no harm. */
const READ_AT_ONCE = 4 * 1024 * 1024;
const { S_IFDIR, S_IFLNK, S_IFREG } = constants;
const PERMISSIONS = 0o777;

/** A backslash or a drive: other programs unpack it somewhere else. */
const NOT_IN_ZIP = /\\|^[A-Za-z]:/;
/** What may happen to a file between listing and packing it. */
const GONE = ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'EINVAL', 'ENXIO'];

export interface PackOptions {
  /** Directory from the workspace's root; '' for all. */
  path: string;
  format: ArchiveFormat;
  /** Also what is left out of changes: `node_modules` and `.git`. */
  everything: boolean;
  maxEntries: number;
  /** Of all files, before they are packed. */
  maxBytes: number;
}

interface Packer {
  directory(name: string, stats: Stats): Promise<void>;
  symlink(name: string, stats: Stats, target: string): Promise<void>;
  file(name: string, stats: Stats, content: Buffer | AsyncIterable<Buffer>, size: number): Promise<void>;
  end(): void;
}

/** Calls `begin` when nothing can be refused any more, then sends the archive. @throws Failure E003, E004, E009, E015 */
export async function pack(
  options: PackOptions,
  begin: () => void,
  output: NodeJS.WritableStream,
): Promise<void> {
  const { name: root, stats } = resolveExisting(fromUtf8(options.path), { lastLink: true });
  if (!stats.isDirectory()) throw new Failure('E003', 'the path is no directory');
  const names = namesToPack(root, options);
  begin();
  const { packer, sent }: Packing = options.format === 'zip' ? zipPacker(output) : tarPacker(output);
  const packing = (async () => {
    for (const name of names) await add(packer, name, name.slice(root === '' ? 0 : root.length + 1));
    packer.end();
  })();
  await Promise.all([packing, sent]);
}

function namesToPack(root: string, { format, everything, maxEntries, maxBytes }: PackOptions): string[] {
  const names: string[] = [];
  let bytes = 0;
  walk(
    root,
    { maxEntries, leaveOut: (name) => !everything && LEFT_OUT.test(name) },
    {
      entry: (name) => {
        bytes += sizeOf(name);
        if (bytes > maxBytes) throw new Failure('E015', `the files are more than ${maxBytes} bytes`);
        if (format === 'zip' && NOT_IN_ZIP.test(packedName(name.slice(root === '' ? 0 : root.length + 1))))
          throw new Failure('E003', `a zip cannot hold the name ${shown(name)}: ask for tar.gz`);
        names.push(name);
      },
      skipped: (name) => {
        if (!everything && LEFT_OUT.test(name)) names.pop();
      },
    },
  );
  return names.sort(byBytes);
}

/** A name that is not UTF-8 is packed as lists show it. */
function packedName(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : shown(name);
}

function sizeOf(name: string): number {
  const stats = lstatSync(onDisk(name), { throwIfNoEntry: false });
  return stats?.isFile() === true ? stats.size : 0;
}

/** What is gone, unreadable or of another kind by now is left out, and a link whose target is not UTF-8. */
async function add(packer: Packer, name: string, inside: string): Promise<void> {
  const packed = packedName(inside);
  try {
    const stats = lstatSync(onDisk(name));
    if (stats.isDirectory()) return await packer.directory(packed, stats);
    if (stats.isSymbolicLink()) {
      const target = readlinkSync(onDisk(name), 'buffer');
      return isUtf8(target) ? await packer.symlink(packed, stats, target.toString()) : undefined;
    }
    if (!stats.isFile()) return;
    using file = openFile(name);
    const size = Number(file.stats.size);
    if (size > READ_AT_ONCE) return await packer.file(packed, stats, contentOf(file, size), size);
    const content = wholeOf(file, size);
    return await packer.file(packed, stats, content, content.length);
  } catch (error) {
    if (error instanceof Failure || GONE.includes(errorCode(error) ?? '')) return;
    throw error;
  }
}

function wholeOf({ descriptor }: OpenFile, size: number): Buffer {
  const content = Buffer.alloc(size);
  let length = 0;
  for (let read = -1; read !== 0 && length < size; length += read)
    read = readSync(descriptor, content, length, size - length, null);
  return content.subarray(0, length);
}

const contentOf = ({ descriptor }: OpenFile, size: number): AsyncIterable<Buffer> =>
  createReadStream('', { fd: descriptor, autoClose: false, end: size - 1 }) as AsyncIterable<Buffer>;

interface Packing {
  packer: Packer;
  /** Resolves when the last byte is with the output. */
  sent: Promise<void>;
}

function tarPacker(output: NodeJS.WritableStream): Packing {
  const archive = tar.pack();
  const header = (name: string, { mode, mtime }: Stats) => ({
    name,
    mode: mode & PERMISSIONS,
    mtime: sane(mtime),
  });
  /** Resolves when the archive has taken it. */
  const put = (of: Parameters<typeof archive.entry>[0], content: AsyncIterable<Buffer> | Buffer[]) =>
    new Promise<void>((resolve, reject) => {
      const entry = archive.entry(of, (error) => (error ? reject(error) : resolve()));
      fill(entry, content).catch(reject);
    });
  const packer: Packer = {
    directory: (name, stats) => put({ ...header(name, stats), type: 'directory' }, []),
    symlink: (name, stats, linkname) => put({ ...header(name, stats), type: 'symlink', linkname }, []),
    file: (name, stats, content, size) =>
      put({ ...header(name, stats), type: 'file', size }, Buffer.isBuffer(content) ? [content] : content),
    end: () => archive.finalize(),
  };
  return { packer, sent: pipeline(archive, createGzip(), output, { end: false }) };
}

async function fill(entry: NodeJS.WritableStream, content: AsyncIterable<Buffer> | Buffer[]): Promise<void> {
  for await (const chunk of content)
    if (chunk.length > 0 && !entry.write(chunk)) await once(entry as unknown as EventEmitter, 'drain');
  entry.end();
}

function zipPacker(output: NodeJS.WritableStream): Packing {
  const archive = new yazl.ZipFile();
  const meta = (type: number, { mode, mtime }: Stats) => ({
    mode: type | (mode & PERMISSIONS),
    mtime: sane(mtime),
  });
  const packer: Packer = {
    directory: (name, stats) => Promise.resolve(archive.addEmptyDirectory(name, meta(S_IFDIR, stats))),
    symlink: (name, stats, target) =>
      Promise.resolve(archive.addBuffer(Buffer.from(target), name, meta(S_IFLNK, stats))),
    file: async (name, stats, content) => {
      const stream = Readable.from(Buffer.isBuffer(content) ? [content] : content);
      archive.addReadStream(stream, name, meta(S_IFREG, stats));
      // One after the other: the archive would keep them all open otherwise.
      await once(stream, 'end');
    },
    end: () => archive.end(),
  };
  const sent = pipeline(archive.outputStream, output, { end: false });
  archive.on('error', (error: Error) => (archive.outputStream as Readable).destroy(error));
  return { packer, sent };
}

/** Times that both formats can write: seconds of 31 bits. */
const sane = (time: Date): Date => new Date(Math.min(Math.max(time.getTime(), 0), (2 ** 31 - 1) * 1000));
