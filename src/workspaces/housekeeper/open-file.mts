/** Opens a regular file of the workspace for reading, and nothing that blocks, is special, or lies elsewhere. */
import { closeSync, constants, fstatSync, openSync, readlinkSync, type BigIntStats } from 'node:fs';
import { Failure } from './failure.mts';
import { onDisk, ROOT } from './names.mts';

export interface OpenFile extends Disposable {
  descriptor: number;
  stats: BigIntStats;
}

/** @param name without links, as `resolve` gives it. @throws Failure E004 */
export function openFile(name: string): OpenFile {
  // O_NONBLOCK: a FIFO without a writer would hold the open for ever.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
  const descriptor = openSync(onDisk(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  const file = { descriptor, [Symbol.dispose]: () => closeSync(descriptor) };
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile()) throw new Failure('E004', 'not a regular file');
    // Somebody may have put a link into the path since it was resolved: this is where we really are.
    if (!readlinkSync(`/proc/self/fd/${descriptor}`, 'latin1').startsWith(`${ROOT}/`))
      throw new Failure('E004', 'the path leads out of the workspace');
    return { ...file, stats };
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}
