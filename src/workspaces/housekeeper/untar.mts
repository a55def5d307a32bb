/** Unpacks a tar.gz as it comes: no byte of it is kept that was not checked. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import tar from 'tar-stream';
import { Budget, counting } from './budget.mts';
import { Failure } from './failure.mts';
import type { ArchiveLimits } from './protocol.mts';
import { refused, type StagedTree } from './staged-tree.mts';

/** What stands for bytes that are no UTF-8 once tar-stream has decoded them. */
const UNDECODABLE = '\ufffd';
const MEMBERS = new Set(['file', 'contiguous-file', 'directory', 'symlink', 'link']);

/** As tar-stream reads one: its own types promise what a hostile header does not hold. */
interface Member extends AsyncIterable<Buffer> {
  header: MemberHeader;
  resume(): void;
}

interface MemberHeader {
  name: string;
  /** Null for a type that it does not know. */
  type: string | null;
  size: number;
  mode: number;
  linkname: string | null;
  pax: Record<string, string> | null;
}

/** @throws Failure */
export async function untar(
  content: AsyncIterable<Buffer>,
  tree: StagedTree,
  limits: ArchiveLimits,
): Promise<void> {
  const budget = new Budget(limits);
  const gunzip = createGunzip();
  const extract = tar.extract();
  const refusal = Promise.withResolvers<never>();
  const streamed = pipeline(
    Readable.from(content),
    counting((bytes) => budget.addPacked(bytes)),
    gunzip,
    counting((bytes) => budget.addUnpacked(bytes)),
    extract,
  );
  try {
    // What is refused is refused now: a sender that does not go on would hold the streams, which end only with it.
    await Promise.race([Promise.all([streamed, takeAll(extract, tree, refusal.reject)]), refusal.promise]);
  } catch (error) {
    throw meaning(error);
  }
  // Node ends quietly where no further gzip member begins.
  if (gunzip.bytesWritten !== budget.packed)
    throw new Failure('E003', 'the archive goes on after its end: those bytes belong to nothing');
}

async function takeAll(
  extract: tar.Extract,
  tree: StagedTree,
  refuse: (reason: unknown) => void,
): Promise<void> {
  for await (const entry of extract)
    try {
      await take(entry as unknown as Member, tree);
    } catch (error) {
      refuse(error);
      throw error;
    }
}

async function take(entry: Member, tree: StagedTree): Promise<void> {
  const { header } = entry;
  const name = plain(header.name);
  const type = header.type ?? 'unknown';
  if (!MEMBERS.has(type))
    throw refused(header.name, 'E003', `is a ${type}: only files, directories and links are taken`);
  if (Object.keys(header.pax ?? {}).some((key) => key.startsWith('GNU.sparse')))
    throw refused(header.name, 'E003', 'is a sparse file: pack it without --sparse');
  if (header.name.includes(UNDECODABLE)) throw refused(header.name, 'E003', 'has a name that is not UTF-8');
  const isFile = type === 'file' || type === 'contiguous-file';
  if (!isFile && header.size !== 0) throw refused(header.name, 'E003', `is a ${type} with content`);
  const { mode } = header;
  if (type === 'directory') {
    // `tar -C directory .` names the directory itself first.
    if (name !== '' && name !== '.') tree.directory(name, mode);
  } else if (isFile) await tree.file(name, mode, entry, header.size);
  else if (type === 'symlink') tree.symlink(name, header.linkname ?? '');
  else tree.hardLink(name, plain(header.linkname ?? ''));
  entry.resume();
}

/** As tar writes names: with `./` before them, and a directory's with `/` behind. */
const plain = (name: string): string => name.replace(/^\.\//, '').replace(/\/$/, '');

/** Ours, and what the kernel refuses, have a meaning already; the rest is what tar-stream and zlib say of the bytes. */
function meaning(error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error) || 'syscall' in error) return error;
  return new Failure('E003', `the archive is no valid tar.gz: ${error.message}`);
}
