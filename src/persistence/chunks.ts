/** Cuts many rows into statements: SQLite takes 32 766 parameters in one, PostgreSQL 65 535. */
import { setImmediate as others } from 'node:timers/promises';

/** Below both limits at 200 columns a row; a statement of so many takes some milliseconds to build. */
const ROWS = 100;

/** Others get the event loop between two chunks. */
export async function* chunks<T>(rows: readonly T[], size = ROWS): AsyncGenerator<T[], void, void> {
  for (let start = 0; start < rows.length; start += size) {
    if (start > 0) await others();
    yield rows.slice(start, start + size);
  }
}
