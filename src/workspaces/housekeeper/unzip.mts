/** Unpacks a zip: kept whole first, because its directory stands at its end, then checked as a whole before it is believed. */
import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import yauzl from 'yauzl';
import { Budget } from './budget.mts';
import { Failure } from './failure.mts';
import { onDisk } from './names.mts';
import type { ArchiveLimits } from './protocol.mts';
import { refused, type StagedTree } from './staged-tree.mts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR, S_IFMT, S_IFDIR, S_IFLNK, S_IFREG } = constants;
/** `version made by` of systems whose attributes hold a Unix mode: Unix and macOS. */
const UNIX = [3, 19];
const METHODS = new Set([0, 8]);
const DEFAULT_MODE = { file: 0o644, directory: 0o755 };
/** Bytes: what the kernel takes as a link's target. */
const TARGET_MAX_BYTES = 4095;

interface Member {
  entry: yauzl.Entry;
  name: string;
  type: 'file' | 'directory' | 'symlink';
  mode: number;
}

/** @param spool name of a file to keep the archive in. @throws Failure */
export async function unzip(
  content: AsyncIterable<Buffer>,
  spool: string,
  tree: StagedTree,
  limits: ArchiveLimits,
): Promise<void> {
  const budget = new Budget(limits);
  const descriptor = openSync(onDisk(spool), O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0o600);
  try {
    for await (const chunk of content) {
      budget.addPacked(chunk.length);
      for (let written = 0; written < chunk.length;) written += writeSync(descriptor, chunk, written);
    }
    if (fstatSync(descriptor).size !== budget.packed) throw new Error('the archive was not kept whole');
    const zip = await readable(
      yauzl.fromFdPromise(descriptor, { autoClose: false, lazyEntries: true, decodeStrings: false }),
    );
    const members = await readable(membersOf(zip, limits));
    await mustNotOverlap(zip, members);
    for (const member of members) budget.addUnpacked(member.entry.uncompressedSize);
    for (const member of members) await take(zip, member, tree);
  } finally {
    closeSync(descriptor);
  }
}

/** Every entry of the directory, before any of them is unpacked. */
async function membersOf(zip: yauzl.ZipFile, { maxEntries }: ArchiveLimits): Promise<Member[]> {
  const tooMany = () => new Failure('E015', `there are more than ${maxEntries} entries`);
  if (zip.entryCount > maxEntries) throw tooMany();
  const members: Member[] = [];
  for await (const entry of zip.eachEntry()) {
    if (members.length >= maxEntries) throw tooMany();
    members.push(memberOf(entry));
  }
  return members;
}

function memberOf(entry: yauzl.Entry): Member {
  const { fileNameRaw } = entry;
  const written = fileNameRaw.toString('utf8');
  if (!isUtf8(fileNameRaw)) throw refused(written, 'E003', 'has a name that is not UTF-8');
  if (entry.isEncrypted()) throw refused(written, 'E003', 'is encrypted');
  if (!METHODS.has(entry.compressionMethod))
    throw refused(
      written,
      'E003',
      `is compressed by a method (${entry.compressionMethod}) that is not known here`,
    );
  // Programs on Windows take it for a separator: what it means depends on who unpacks.
  if (written.includes('\\')) throw refused(written, 'E004', 'has a backslash in its name');
  const attributes = UNIX.includes(entry.versionMadeBy >> 8) ? entry.externalFileAttributes >>> 16 : 0;
  const type = typeOf(written, attributes & S_IFMT);
  if (type !== 'file' && type !== 'symlink' && entry.uncompressedSize !== 0)
    throw refused(written, 'E003', 'is a directory with content');
  const mode = attributes & 0o777 || DEFAULT_MODE[type === 'directory' ? 'directory' : 'file'];
  return { entry, name: written.replace(/\/$/, ''), type, mode };
}

function typeOf(name: string, format: number): Member['type'] {
  if (format === S_IFDIR || (name.endsWith('/') && (format === 0 || format === S_IFREG))) return 'directory';
  if (format === S_IFLNK) return 'symlink';
  if (format === 0 || format === S_IFREG) return 'file';
  throw refused(name, 'E003', 'is neither a file, a directory nor a link');
}

/** Entries that share bytes are how a small zip holds terabytes; names that differ are how two programs see two archives. */
async function mustNotOverlap(zip: yauzl.ZipFile, members: readonly Member[]): Promise<void> {
  const ranges: { name: string; from: number; to: number }[] = [];
  for (const { entry, name } of members) {
    const local = await readable(zip.readLocalFileHeaderPromise(entry));
    if (!local.fileName.equals(entry.fileNameRaw)) throw refused(name, 'E003', 'has two different names');
    if (local.compressionMethod !== entry.compressionMethod || local.generalPurposeBitFlag & 1)
      throw refused(name, 'E003', 'is described in two different ways');
    ranges.push({
      name,
      from: entry.relativeOffsetOfLocalHeader,
      to: local.fileDataStart + entry.compressedSize,
    });
  }
  ranges.sort((a, b) => a.from - b.from);
  for (const [index, { name, from }] of ranges.entries())
    if (from < (ranges[index - 1]?.to ?? 0)) throw refused(name, 'E003', 'shares bytes with another entry');
}

async function take(
  zip: yauzl.ZipFile,
  { entry, name, type, mode }: Member,
  tree: StagedTree,
): Promise<void> {
  if (type === 'directory') return tree.directory(name, mode);
  if (type === 'symlink') {
    if (entry.uncompressedSize > TARGET_MAX_BYTES)
      throw refused(name, 'E003', 'is a link whose target is no path');
    const target = await buffer(checked(zip, entry, name));
    return tree.symlink(name, target.toString('utf8'));
  }
  return tree.file(name, mode, checked(zip, entry, name), entry.uncompressedSize);
}

/** The bytes of an entry, of which there are as many as it says and which have the checksum it says. */
async function* checked(zip: yauzl.ZipFile, entry: yauzl.Entry, name: string): AsyncGenerator<Buffer> {
  let sum = 0;
  try {
    for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (error) {
    throw refused(name, 'E003', `cannot be unpacked: ${error instanceof Error ? error.message : ''}`);
  }
  if (sum !== entry.crc32) throw refused(name, 'E003', 'is damaged: its checksum is another');
}

/** yauzl throws plain errors about what it reads; what the kernel refuses has its own meaning. */
async function readable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Failure || !(error instanceof Error) || 'syscall' in error) throw error;
    throw new Failure('E003', `the archive is no valid zip: ${error.message}`);
  }
}
