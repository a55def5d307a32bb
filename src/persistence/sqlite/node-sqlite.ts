/** Makes Kysely's SQLite dialect run on Node's built-in driver, so that the default needs no native addon. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { SqliteDatabase, SqliteStatement } from 'kysely';
import type { OpenedDatabase } from '../database.js';
import { FairSqliteDialect } from './fair-dialect.js';
import { told } from './told.js';

/**
 * Milliseconds in which a lock of somebody else's (a backup, a shell) may go by itself. The driver waits on the server's
 * one thread, so nothing else is answered meanwhile: whoever must get through tries again, and lets others in between.
 */
const BUSY_TIMEOUT_MS = 200;

/**
 * Rows are made here, from arrays: those that the driver makes have no prototype and no shape that the engine knows, and
 * each read of one is a search. A page of 50 executions, read and copied: 90 instead of 440 µs.
 */
class Statement implements SqliteStatement {
  readonly reader: boolean;
  private columns: string[];

  constructor(private readonly statement: StatementSync) {
    this.columns = namesOf(statement);
    this.reader = this.columns.length > 0;
    // From Node 24 on; an older one answers as it always did.
    if (this.reader && 'setReturnArrays' in statement) statement.setReturnArrays(true);
  }

  all(parameters: readonly unknown[]): unknown[] {
    return told(() => this.statement.all(...(parameters as SQLInputValue[]))).map((row) => this.rowOf(row));
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return told(() => this.statement.run(...(parameters as SQLInputValue[])));
  }

  *iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    for (const row of told(() => this.statement.iterate(...(parameters as SQLInputValue[]))))
      yield this.rowOf(row);
  }

  private rowOf(values: unknown): unknown {
    if (!Array.isArray(values)) return values;
    // `select *` has more columns when the table has been given some.
    if (values.length !== this.columns.length) this.columns = namesOf(this.statement);
    const row: Record<string, unknown> = {};
    this.columns.forEach((name, index) => (row[name] = (values as unknown[])[index]));
    return row;
  }
}

const namesOf = (statement: StatementSync): string[] => statement.columns().map(({ name }) => name);

/** What SQLite has rolled back by itself, as it does when the disk is full: Kysely's own rollback has nothing to do then. */
const NOTHING: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [].values(),
};

/** Statements that are kept compiled. The house has about a hundred, some once for each number of rows. */
const KEPT = 500;

/**
 * Compiling a statement takes longer than running most of them: it was about a tenth of a profile of
 * `GET /api/executions/:id`, start-up included. Kysely gives the same text for the same query.
 */
function keptStatements(database: DatabaseSync): (sql: string) => Statement {
  const kept = new Map<string, Statement>();
  return (sql) => {
    const found = kept.get(sql);
    if (found !== undefined) return found;
    const oldest = kept.keys().next().value;
    if (kept.size >= KEPT && oldest !== undefined) kept.delete(oldest);
    const made = new Statement(database.prepare(sql));
    kept.set(sql, made);
    return made;
  };
}

/** @param file path of the database file, made when missing */
export function openSqlite(file: string): OpenedDatabase {
  const database = new DatabaseSync(file);
  // FULL: a committed execution survives a power cut, not only a crash. WAL: readers never wait for the writer.
  told(() =>
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA foreign_keys = ON`,
    ),
  );
  const prepare = keptStatements(database);
  const adapter: SqliteDatabase = {
    prepare: (sql) =>
      // Otherwise the rollback's own failure would hide why there was one.
      sql === 'rollback' && !database.isTransaction ? NOTHING : told(() => prepare(sql)),
    close: () => database.close(),
  };
  const version = database.prepare('PRAGMA data_version');
  return {
    dialect: new FairSqliteDialect({ database: adapter }),
    foreignChanges: () => told(() => Number(version.get()?.data_version)),
    // There is one connection, and a transaction has it for itself.
    serialize: () => Promise.resolve(),
  };
}
