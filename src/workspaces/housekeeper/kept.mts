/** What is kept of a workspace's states here, as far as it goes into a manifest. */
import { readdirSync, statSync } from 'node:fs';
import { errorCode } from './failure.mts';
import { byBytes } from './files.mts';
import { objectPath, STATE } from './store.mts';
import { treePath } from './tree.mts';

const HASH = /^[0-9a-f]{64}$/;

/** Hashes of the contents that are kept, in order. */
export const keptObjects = (): string[] =>
  namesIn(`${STATE}/objects`)
    .flatMap((shelf) => namesIn(`${STATE}/objects/${shelf}`))
    .filter((name) => HASH.test(name) && hasContent(objectPath(name)))
    .sort(byBytes);

/** Names of the trees that are kept, in order. */
export const keptTrees = (): string[] =>
  namesIn(`${STATE}/trees`)
    .filter((name) => HASH.test(name) && hasContent(treePath(name)))
    .sort(byBytes);

/** An empty file is what a power cut left. */
const hasContent = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
