import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { Database } from './database.js';
import { migrate } from './migrator.js';
import { openSqlite } from './sqlite/node-sqlite.js';

describe('migrate', () => {
  let directory: string;
  let database: Database;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'caisson-migrator-'));
    database = new Database(openSqlite(join(directory, 'caisson.db')));
  });
  afterEach(async () => {
    await database.destroy();
    rmSync(directory, { recursive: true });
  });

  it('brings an empty database to this version, and changes nothing in one that is there', async () => {
    await migrate(database);
    await migrate(database);
    expect(await database.selectFrom('executions').selectAll().execute()).toEqual([]);
  });

  it('refuses the database of a newer version: what it does not know it cannot keep', async () => {
    await migrate(database);
    await sql`insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '')`.execute(
      database,
    );
    await expect(migrate(database)).rejects.toThrow('could not be brought to this version');
  });
});
