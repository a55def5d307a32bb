/** Tells a database that refuses for now from one that was asked something wrong. */
import { StorageShortage } from '../../errors/shortage.js';

/** Primary result codes of what passes: busy, locked, out of memory, read-only, I/O error, full, cannot open. */
const PASSING: ReadonlySet<number> = new Set([5, 6, 7, 8, 10, 13, 14]);

/** @throws StorageShortage when the database may answer again in a moment, else whatever the driver throws */
export function told<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    const { errcode } = error as { errcode?: unknown };
    // The low byte: SQLITE_IOERR_WRITE and the like are kinds of SQLITE_IOERR.
    if (error instanceof Error && typeof errcode === 'number' && PASSING.has(errcode & 0xff))
      throw new StorageShortage(error);
    throw error;
  }
}
