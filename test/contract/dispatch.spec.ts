/** Claims among several workers, and what they are offered: each worker is an object here with a pool of its own. */
import { sql } from 'kysely';
import { Config } from '../../src/config/config.js';
import { ExecutionStore } from '../../src/execution/execution-store.js';
import { type Line, ready, waitingLines } from '../../src/execution/shared/line.js';
import { SharedClaims } from '../../src/execution/shared/shared-claims.js';
import type { Database } from '../../src/persistence/database.js';
import { openDatabase } from '../../src/persistence/persistence.module.js';
import { describeOnEachDatabase, describeOnPostgres } from '../support/databases.js';

interface Row {
  id: string;
  userId: string;
  projectId: string;
  writes: number;
  priority: string;
  status: string;
}

const insert = (database: Database, rows: readonly (Partial<Row> & { id: string })[]) =>
  database
    .insertInto('executions')
    .values(
      rows.map((row) => ({
        ...{ userId: 'ann', projectId: row.id, keyId: 'k', requestId: 'r', action: 'generate', engine: 'e' },
        ...{ access: 'read-write', priority: 'interactive', model: 'm', request: '{}', requestHash: '' },
        ...{ status: 'queued', attempt: 0, lastSeq: 1, createdAt: 1, writes: 1 },
        ...row,
      })),
    )
    .execute();

const end = (database: Database, id: string) =>
  database.updateTable('executions').set({ status: 'succeeded', endedAt: 2 }).where('id', '=', id).execute();

/** Named so that their order is that of their numbers. */
const many = (count: number, more: Partial<Row> & { of?: string } = {}) =>
  Array.from({ length: count }, (_, index) => {
    const { of = 'e', ...row } = more;
    return { id: `${of}${String(index + 1).padStart(6, '0')}`, ...row };
  });

describeOnEachDatabase('claims of two workers', (engine) => {
  const opened: Database[] = [];
  const workers = async (userMax: number) => {
    const config = Config.from({ ...(await engine.settings()), USER_MAX_CONCURRENT: String(userMax) });
    // On SQLite there is one connection: whoever claims, it is one after the other.
    const open = async () => {
      if (engine.name === 'PostgreSQL' || opened.length === 0) opened.push(await openDatabase(config));
      return opened.at(-1)!;
    };
    const worker = (id: string, own: Database) =>
      new SharedClaims(new ExecutionStore(own), own, { id }, config);
    const claims = [worker('one', await open()), worker('other', await open())];
    const [database] = opened as [Database];
    /** All of these at once, each by one worker or by the other. */
    const claim = async (ids: readonly string[]) => {
      const claimed = await Promise.all(ids.map((id, index) => claims[index % 2]!.claim(id)));
      return claimed.flatMap((execution) => (execution === undefined ? [] : [execution.id])).sort();
    };
    return { database, claim };
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.destroy()));
  });

  it('begin no more of a user at once than may run, however they race', async () => {
    const { database, claim } = await workers(3);
    const ids = many(12).map(({ id }) => id);
    await insert(database, many(12));
    await insert(database, many(2, { of: 'f', userId: 'bob' }));
    const begun = await claim([...ids, 'f000001', 'f000002']);
    expect(begun.filter((id) => id.startsWith('e'))).toHaveLength(3);
    expect(begun.filter((id) => id.startsWith('f'))).toHaveLength(2);
    await end(database, begun[0] ?? '');
    expect(await claim(ids)).toHaveLength(1);
    expect(await claim(ids)).toHaveLength(0);
  });

  it('begin all of a user where there is no limit, but those whose workspace is taken', async () => {
    const { database, claim } = await workers(0);
    await insert(database, many(8));
    await insert(database, many(4, { of: 'f', projectId: 'shared' }));
    const ids = [...many(8), ...many(4, { of: 'f' })].map(({ id }) => id);
    expect(await claim(ids)).toEqual([...many(8).map(({ id }) => id), 'f000001']);
    expect(await claim(ids)).toEqual([]);
    await end(database, 'f000001');
    expect(await claim(ids.toReversed())).toEqual(['f000002']);
  });
});

describeOnPostgres('offers', (postgres) => {
  let database: Database;
  beforeEach(async () => {
    database = await openDatabase(Config.from({ DATABASE_URL: await postgres().createDatabase() }));
  });
  afterEach(() => database.destroy());

  const offered = async (lines: readonly Line[], userMax = 0) =>
    (await ready(database, lines, userMax)).map(({ executionId, rank }) => `${executionId} ${rank}`);
  const all = async (userMax = 0) => offered(await waitingLines(database, {}), userMax);
  const shared = { projectId: 'shared' };

  it('are the heads of the lines that may begin, with their rank among those of their user', async () => {
    await insert(database, [
      { id: '1', ...shared },
      { id: '2', ...shared },
      { id: '3', projectId: 'read', writes: 0 },
      { id: '4', projectId: 'read', writes: 0 },
      { id: '5', projectId: 'read' },
      { id: '6', projectId: 'read', writes: 0 },
      { id: '7', userId: 'bob', ...shared },
      { id: '8', userId: 'bob', projectId: 'taken', status: 'running' },
      { id: '9', userId: 'bob', projectId: 'taken' },
    ]);
    expect(await all()).toEqual(['1 1', '3 3', '4 4', '7 1']);
    expect(await offered([{ userId: 'ann', projectId: 'read' }])).toEqual(['3 3', '4 4']);
    await database.updateTable('executions').set({ status: 'running' }).where('id', '=', '3').execute();
    expect(await offered([{ userId: 'ann', projectId: 'read' }])).toEqual(['4 3']);
  });

  it('leave those of a batch out while an interactive one waits in their line', async () => {
    await insert(database, [
      { id: '1', ...shared, priority: 'batch' },
      { id: '2', ...shared, writes: 0 },
      { id: '3', projectId: 'other', priority: 'batch' },
    ]);
    expect(await all()).toEqual(['2 2', '3 3']);
    await end(database, '2');
    expect(await all()).toEqual(['1 1', '3 2']);
  });

  it('are no more of a user than may begin, interactive ones first; the lines of the full are left alone', async () => {
    await insert(database, [
      { id: '1', status: 'running' },
      { id: '2', priority: 'batch' },
      { id: '3' },
      { id: '4' },
      { id: '5' },
      { id: '6', userId: 'bob' },
    ]);
    expect(await all(3)).toEqual(['3 2', '4 3', '6 1']);
    expect(await all(4)).toEqual(['3 2', '4 3', '5 4', '6 1']);
    expect(await all(1)).toEqual(['6 1']);
    expect(await all(0)).toHaveLength(5);
    await end(database, '1');
    expect(await offered(await waitingLines(database, { of: 'ann' }), 1)).toEqual(['3 2']);
  });

  it('are found page by page', async () => {
    await insert(database, many(10, { of: 'e' }));
    await insert(database, many(3, { of: 'f', userId: 'bob' }));
    const found: Line[] = [];
    for (let after: Line | undefined; ;) {
      const lines = await waitingLines(database, { after, limit: 4 });
      found.push(...lines);
      if (lines.length < 4) break;
      after = lines.at(-1);
    }
    expect(found).toHaveLength(13);
    expect(found).toEqual(await waitingLines(database, {}));
  });

  it('cost the same however many wait behind them', async () => {
    await insert(database, [{ id: '0', status: 'running', ...shared }]);
    const columns = (
      await sql<{ name: string }>`
      select attname as name from pg_attribute
      where attrelid = 'executions'::regclass and attnum > 0 and attname not in ('id', 'status')`.execute(
        database,
      )
    ).rows.map(({ name }) => sql.ref(name));
    await sql`
      insert into executions (id, status, ${sql.join(columns)})
      select 'e' || n, 'queued', ${sql.join(columns)} from executions, generate_series(1, 20000) as n`.execute(
      database,
    );
    await sql`analyze executions`.execute(database);
    const read = await database.transaction().execute(async (db) => {
      expect(await ready(db, [{ userId: 'ann', projectId: 'shared' }], 0)).toEqual([]);
      const { rows } = await sql<{ read: string }>`
        select sum(pg_stat_get_xact_tuples_returned(of)) as read from (
          select indexrelid from pg_index where indrelid = 'executions'::regclass
          union all select 'executions'::regclass) as relation (of)`.execute(db);
      return Number(rows[0]?.read);
    });
    expect(read).toBeLessThan(1000);
  });
});
