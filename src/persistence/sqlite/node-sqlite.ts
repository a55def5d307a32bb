/** Makes Kysely's SQLite dialect run on Node's built-in driver, so that the default needs no native addon. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely';

class Statement implements SqliteStatement {
  readonly reader: boolean;

  constructor(private readonly statement: StatementSync) {
    this.reader = statement.columns().length > 0;
  }

  all(parameters: readonly unknown[]): unknown[] {
    return this.statement.all(...(parameters as SQLInputValue[]));
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.statement.run(...(parameters as SQLInputValue[]));
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.statement.iterate(...(parameters as SQLInputValue[]));
  }
}

/** @param file path of the database file, made when missing */
export function sqliteDialect(file: string): SqliteDialect {
  const database = new DatabaseSync(file);
  // FULL: a committed execution survives a power cut, not only a crash. WAL: readers never wait for the writer.
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON',
  );
  const adapter: SqliteDatabase = {
    prepare: (sql) => new Statement(database.prepare(sql)),
    close: () => database.close(),
  };
  return new SqliteDialect({ database: adapter });
}
