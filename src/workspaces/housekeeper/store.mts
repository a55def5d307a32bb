/**
 * What the housekeeper remembers of a workspace, in a directory that agents never see: manifests (one per mark, and the
 * latest) and the contents they name, by SHA-256.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { errorCode } from './failure.mts';

const STATE = '/state';
const LATEST = `${STATE}/latest`;
/** The lightest compression: marks are made before each execution, and sources shrink to a third even so. */
const LEVEL = 1;

/** An entry of a workspace as it was. Numbers of nanoseconds and inodes as text: they do not fit a number. */
export interface Recorded {
  type: 'file' | 'symlink' | 'other';
  /** Permission bits. */
  mode: number;
  size: number;
  modified: string;
  changed: string;
  inode: string;
  /** SHA-256 of a file's content; absent when it could not be read or is too large to be. */
  hash?: string;
  /** What a link points to, by bytes. */
  target?: string;
}

export interface Manifest {
  /** When the scan began, in nanoseconds since the epoch. */
  begun: string;
  entries: Record<string, Recorded>;
}

export function saveManifest(mark: string | undefined, manifest: Manifest): void {
  const temporary = `${STATE}/${process.pid}.new`;
  writeFileSync(temporary, deflateRawSync(JSON.stringify(manifest), { level: LEVEL }));
  if (mark !== undefined) {
    mkdirSync(`${STATE}/marks`, { recursive: true });
    linkSync(temporary, markPath(mark));
  }
  renameSync(temporary, LATEST);
}

export const loadMark = (mark: string): Manifest | undefined => load(markPath(mark));
export const loadLatest = (): Manifest | undefined => load(LATEST);

/** Removes a mark, and every content that neither another mark nor the latest state names. */
export function forget(mark: string): void {
  rmSync(markPath(mark), { force: true });
  const marks = existsSync(`${STATE}/marks`) ? readdirSync(`${STATE}/marks`) : [];
  const manifests = [loadLatest(), ...marks.map((name) => loadMark(name))];
  const named = new Set(
    manifests.flatMap((manifest) => Object.values(manifest?.entries ?? {}).map(({ hash }) => hash)),
  );
  for (const shelf of existsSync(`${STATE}/objects`) ? readdirSync(`${STATE}/objects`) : [])
    for (const hash of readdirSync(`${STATE}/objects/${shelf}`))
      if (!named.has(hash)) rmSync(`${STATE}/objects/${shelf}/${hash}`);
}

/** Keeps a content and returns its name. */
export function keep(content: Buffer): string {
  const hash = createHash('sha256').update(content).digest('hex');
  const path = objectPath(hash);
  if (existsSync(path)) return hash;
  mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
  writeFileSync(`${path}.new`, deflateRawSync(content, { level: LEVEL }));
  renameSync(`${path}.new`, path);
  return hash;
}

/** A kept content; undefined when it was not kept (too large). */
export function recall(hash: string): Buffer | undefined {
  const packed = readIfAny(objectPath(hash));
  return packed && inflateRawSync(packed);
}

/** The server names marks; they are UUIDs. */
const markPath = (mark: string) => `${STATE}/marks/${mark}`;
const objectPath = (hash: string) => `${STATE}/objects/${hash.slice(0, 2)}/${hash}`;

function load(path: string): Manifest | undefined {
  const packed = readIfAny(path);
  if (packed === undefined) return undefined;
  // It was written by `saveManifest`, where nobody else can write.
  const manifest = JSON.parse(inflateRawSync(packed).toString()) as Manifest;
  return { ...manifest, entries: Object.assign(Object.create(null) as object, manifest.entries) };
}

function readIfAny(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
