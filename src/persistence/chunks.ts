/** Cuts many rows into statements: SQLite takes 32 766 parameters in one, PostgreSQL 65 535. */

/** Below both limits at 100 columns a row; few enough that the text of a statement stays small. */
const ROWS = 200;

export function* chunks<T>(rows: readonly T[], size = ROWS): Generator<T[], void, void> {
  for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size);
}
