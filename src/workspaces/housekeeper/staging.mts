/** The directory in which a tree from outside is made ready, on the workspace's own file system so that moving is enough. */
import { mkdirSync } from 'node:fs';
import { removeTree } from './files.mts';
import { onDisk } from './names.mts';
import { takeBack } from './placing.mts';

const PRIVATE = 0o700;

/** What the server names stagings: anything else is not removed here, whoever asks. */
const NAME = /^\.caisson-[0-9a-f]{32}$/;

/**
 * Makes it, with `tree` in it, does the work and removes it with all that is left in it, whether the work went well, was
 * refused, or is given up because the server says so.
 */
export async function withStaging<T>(staging: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(onDisk(staging), PRIVATE);
  mkdirSync(onDisk(`${staging}/tree`));
  process.once('SIGTERM', () => {
    discard(staging);
    process.exit(1);
  });
  try {
    return await work();
  } finally {
    discard(staging);
  }
}

/** Takes back what was begun to be put in place, and removes the rest; of one that is not there, nothing. */
export function discard(staging: string): void {
  if (!NAME.test(staging)) throw new Error(`${staging} is not the name of a staging`);
  takeBack(staging);
  if (!removeTree(staging)) throw new Error('a staging could not be removed');
}
