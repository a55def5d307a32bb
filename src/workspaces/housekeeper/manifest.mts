/**
 * What a workspace in object storage is made of. A version is one object, the pack: contents one after the other, then the
 * manifest, then a footer that says where the manifest is. A manifest names every entry of the workspace and everything that
 * is kept of its states, and for each content the pack that has it: its own, or one of an earlier version.
 */
import { createHash } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { Failure } from './failure.mts';
import { readIfAny, STATE, writeWhole } from './store.mts';

/** Modes are permission bits, times epoch milliseconds, hashes SHA-256 in hex, names bytes as latin1. */
export type ManifestEntry =
  | { type: 'directory'; name: string; mode: number }
  | { type: 'symlink'; name: string; target: string }
  | { type: 'file'; name: string; mode: number; mtime: number; size: number; hash: string };

/** Where a content is. */
export interface Located {
  pack: string;
  /** Bytes from the pack's beginning, and how many. */
  at: number;
  bytes: number;
  deflated: boolean;
}

export interface Manifest {
  entries: ManifestEntry[];
  /** Contents by their hash. */
  contents: Map<string, Located>;
  /** Bytes of all contents in each pack that is named. */
  packs: Map<string, number>;
  /** Hashes of the contents that states name. */
  objects: string[];
  /** The states themselves: their name, the hash of what they are kept as, and when they were made or met again. */
  trees: [name: string, hash: string, mtime: number][];
}

/** What is known of the copy here: which version it was made or left as, and what lstat said of its files then. */
export interface KnownCopy {
  manifest: Manifest;
  /** When that was said, epoch milliseconds. */
  begun: number;
  signatures: Map<string, string>;
}

/** What stands at the end of a pack. */
export interface Footer {
  /** Bytes from the pack's beginning, how many, and their SHA-256. */
  manifest: { at: number; bytes: number; hash: string };
  /** Packs that it names, itself too. */
  packs: string[];
  /** What a copy takes: all files, and what is kept of states. */
  bytes: number;
}

const NONE: Manifest = { entries: [], contents: new Map(), packs: new Map(), objects: [], trees: [] };
/** Name of the version that no pack is made for. */
const EMPTY = 'empty';
const VERSION = 1;
/** Milliseconds, far below those for which nothing is collected. */
const MET_AGAIN = 60 * 60 * 1000;
/** Bytes: 200 000 entries with the longest names would be more, and memory ends before. */
const UNPACKED_MAX = 256 * 1024 * 1024;
/** Names that the server gives to packs: nothing else becomes a path here. */
const NAME = /^[\w-]{1,80}$/;
const DIRECTORY = `${STATE}/mirror`;

/** As it is sent. */
export const packManifest = (manifest: Manifest): Buffer => deflateRawSync(textOf(manifest), { level: 1 });

/** @throws Failure E012 when it is not what was stored; undefined stands for the empty workspace */
export function unpackManifest(packed: Buffer | undefined, hash: string): Manifest {
  if (packed === undefined) return NONE;
  if (sha256(packed) !== hash) throw damaged('its list of files is not the one that was stored');
  return manifestOf(inflateRawSync(packed, { maxOutputLength: UNPACKED_MAX }).toString('utf8'));
}

export const damaged = (what: string): Failure =>
  new Failure('E012', `The stored files of this project are damaged: ${what}.`);

/** Undefined when nothing is known of it, or not for certain. */
export function loadCopy(name: string | undefined): KnownCopy | undefined {
  if (name === EMPTY) return { begun: 0, signatures: new Map(), manifest: NONE };
  const packed = name === undefined ? undefined : readIfAny(copyPath(name));
  if (packed === undefined) return undefined;
  try {
    const [begun, signatures, manifest] = JSON.parse(packed.toString('utf8')) as [
      number,
      [string, string][],
      string,
    ];
    return { begun, signatures: new Map(signatures), manifest: manifestOf(manifest) };
  } catch {
    return undefined; // it ends early: everything is read again
  }
}

/** @param also what may still be needed: of a version that is not the truth yet, the one before */
export function saveCopy(name: string, { begun, signatures, manifest }: KnownCopy, also?: string): void {
  const text = JSON.stringify([begun, [...signatures], textOf(manifest)]);
  writeWhole(copyPath(name), Buffer.from(text), { lasting: false });
  for (const other of readdirSync(DIRECTORY))
    if (other !== name && other !== also) rmSync(`${DIRECTORY}/${other}`, { force: true });
}

function copyPath(name: string): string {
  if (!NAME.test(name)) throw new Error(`${name} is not the name of a pack`);
  return `${DIRECTORY}/${name}`;
}

/** Whether there is the same after as before, wherever its contents are. */
export function isSame(before: Manifest, after: Manifest): boolean {
  const times = new Map(before.trees.map(([tree, , mtime]) => [tree, mtime]));
  // That a state was met again is stored now and then: by its age it is told whether it can be collected.
  const wasMetAgain = after.trees.some(([tree, , mtime]) => mtime > (times.get(tree) ?? 0) + MET_AGAIN);
  return !wasMetAgain && thereIs(before) === thereIs(after);
}

const thereIs = ({ entries, objects, trees }: Manifest): string =>
  JSON.stringify([entries, objects, trees.map(([tree, hash]) => [tree, hash])]);

function textOf({ entries, contents, packs, objects, trees }: Manifest): string {
  const places = [...contents].map(([hash, { pack, at, bytes, deflated }]) => [
    hash,
    pack,
    at,
    bytes,
    deflated,
  ]);
  return JSON.stringify({ version: VERSION, entries, contents: places, packs: [...packs], objects, trees });
}

/** Its hash was compared: this is what `textOf` wrote, in this version or an earlier one. */
function manifestOf(text: string): Manifest {
  const { version, entries, contents, packs, objects, trees } = JSON.parse(text) as {
    version: number;
    contents: [string, string, number, number, boolean][];
    packs: [string, number][];
  } & Pick<Manifest, 'entries' | 'objects' | 'trees'>;
  if (version !== VERSION)
    throw new Failure('E012', 'The files of this project were stored by a later version.');
  const located = contents.map(
    ([hash, pack, at, bytes, deflated]) => [hash, { pack, at, bytes, deflated }] as const,
  );
  return { entries, contents: new Map(located), packs: new Map(packs), objects, trees };
}

export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
