/** What the product relies on in a database, on both engines; what PostgreSQL alone can go through. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import pg from 'pg';
import { AuditLog } from '../../src/audit/audit-log.js';
import { Config } from '../../src/config/config.js';
import type { Database, Queryable } from '../../src/persistence/database.js';
import { openDatabase } from '../../src/persistence/persistence.module.js';
import { DatabaseLock } from '../../src/persistence/postgres/database-lock.js';
import { Membership } from '../../src/cluster/membership.js';
import { WorkspaceRegistry } from '../../src/workspaces/workspace-registry.js';
import { describeOnEachDatabase, describeOnPostgres } from '../support/databases.js';
import { until } from '../support/processes.js';

beforeAll(() => Logger.overrideLogger(false));

const opened: Database[] = [];
const open = async (settings: NodeJS.ProcessEnv): Promise<Database> => {
  const database = await openDatabase(Config.from(settings));
  opened.push(database);
  return database;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.destroy()));
});

const user = (userId: string, uid: number) => ({ userId, uid });
describeOnEachDatabase('a database', (engine) => {
  it('is brought to the schema of this version, and opened again as it is', async () => {
    const settings = await engine.settings();
    const first = await open(settings);
    await first.insertInto('sandboxUids').values(user('ann', 1)).execute();
    await first.destroy();
    opened.pop();
    expect(await (await open(settings)).selectFrom('sandboxUids').selectAll().execute()).toEqual([
      user('ann', 1),
    ]);
  });

  it('of a newer version is refused', async () => {
    const settings = await engine.settings();
    const database = await open(settings);
    await sql`insert into kysely_migration (name, timestamp) values ('9999-later', 'now')`.execute(database);
    await expect(openDatabase(Config.from(settings))).rejects.toMatchObject({
      message: 'the database could not be brought to this version',
      cause: { message: expect.stringContaining('9999-later') },
    });
  });

  it('sorts and compares text by its bytes', async () => {
    const database = await open(await engine.settings());
    const names = ['b', 'B', 'a-b', 'aa', 'ä', 'a', '_', 'Z', '😀', 'é', '-'];
    await database
      .insertInto('sandboxUids')
      .values(names.map((name, index) => user(name, index)))
      .execute();
    const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const rows = () => database.selectFrom('sandboxUids').select('userId').orderBy('userId');
    expect((await rows().execute()).map(({ userId }) => userId)).toEqual(sorted);
    const after = await rows().where('userId', '>', 'a').execute();
    expect(after.map(({ userId }) => userId)).toEqual(sorted.slice(sorted.indexOf('a') + 1));
  });

  it('answers whole numbers as numbers, beyond 32 bits as well', async () => {
    const database = await open(await engine.settings());
    const at = Date.now();
    await database
      .insertInto('egressGrants')
      .values({ userId: 'u', projectId: 'p', hosts: '[]', changedAt: at })
      .execute();
    expect(await database.selectFrom('egressGrants').selectAll().execute()).toEqual([
      { userId: 'u', projectId: 'p', hosts: '[]', changedAt: at },
    ]);
  });
});

describeOnPostgres('PostgreSQL', (postgres) => {
  const LIMITS = { DATABASE_STATEMENT_TIMEOUT_MS: '500', DATABASE_CONNECT_TIMEOUT_MS: '500' };
  const settings = async (more: NodeJS.ProcessEnv = {}) => ({
    DATABASE_URL: await postgres().createDatabase(),
    ...LIMITS,
    ...more,
  });
  /** Somebody else's session. */
  const others = async <T extends pg.QueryResultRow>(url: string, text: string): Promise<T[]> => {
    const client = new pg.Client(url);
    await client.connect();
    try {
      return (await client.query<T>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const endSessions = (url: string) =>
    others(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`,
    );
  const insert = (database: Queryable, uid: number) =>
    database.insertInto('sandboxUids').values({ userId: randomUUID(), uid }).execute();
  const uids = async (database: Database) =>
    (await database.selectFrom('sandboxUids').select('uid').orderBy('uid').execute()).map(({ uid }) => uid);

  it('is migrated once by replicas that start at once', async () => {
    const given = await settings();
    const replicas = await Promise.all([open(given), open(given), open(given), open(given)]);
    await Promise.all(replicas.map((replica, index) => insert(replica, index)));
    expect(await uids(replicas[0])).toEqual([0, 1, 2, 3]);
  });

  it('lets a migration wait for another one longer than a statement may take', async () => {
    const given = await settings();
    await (await open(given)).destroy();
    opened.pop();
    const holder = new pg.Client(given.DATABASE_URL);
    await holder.connect();
    await holder.query('begin; lock table kysely_migration in access exclusive mode');
    const opening = open(given);
    const held = performance.now();
    await until(() => performance.now() - held > 1000);
    await holder.query('commit');
    await holder.end();
    expect(await uids(await opening)).toEqual([]);
  });

  it('refuses a start with a wrong database or address in words that tell', async () => {
    const { DATABASE_URL: url } = await settings();
    const missing = Config.from({ DATABASE_URL: `${url}-missing` });
    await expect(openDatabase(missing)).rejects.toThrow(
      /^DATABASE_URL: database ".*-missing" does not exist/,
    );
    const nobody = Config.from({ DATABASE_URL: 'postgres://postgres@127.0.0.1:1/none' });
    await expect(openDatabase(nobody)).rejects.toMatchObject({ name: 'StorageShortage' });
  });

  it('gives up a statement that takes too long, and the next one is answered', async () => {
    const database = await open(await settings());
    await expect(sql`select pg_sleep(20)`.execute(database)).rejects.toMatchObject({
      name: 'StorageShortage',
      cause: { code: '57014' },
    });
    await insert(database, 1);
    expect(await uids(database)).toEqual([1]);
  });

  it('ends a transaction that says nothing for too long, whose process lives on', async () => {
    const database = await open(await settings());
    const silent = database.transaction().execute(async (db) => {
      await insert(db, 1);
      const begun = performance.now();
      await until(() => performance.now() - begun > 1000);
      await insert(db, 2);
    });
    await expect(silent).rejects.toMatchObject({ name: 'StorageShortage' });
    expect(await uids(database)).toEqual([]);
  });

  it('refuses when no connection is free in time', async () => {
    const database = await open(
      await settings({ DATABASE_POOL_SIZE: '2', DATABASE_STATEMENT_TIMEOUT_MS: '60000' }),
    );
    const held = Promise.withResolvers<void>();
    const holding = [1, 2].map(() => database.transaction().execute(() => held.promise));
    await expect(uids(database)).rejects.toMatchObject({ name: 'StorageShortage' });
    held.resolve();
    await Promise.all(holding);
    expect(await uids(database)).toEqual([]);
  });

  it('is found again after its sessions were ended, idle ones and one in a transaction', async () => {
    const given = await settings();
    const database = await open(given);
    await Promise.all([uids(database), uids(database), uids(database)]);
    const cut = database.transaction().execute(async (db) => {
      await insert(db, 1);
      await endSessions(given.DATABASE_URL);
      await insert(db, 2);
    });
    await expect(cut).rejects.toMatchObject({ name: 'StorageShortage' });
    await until(async () => (await uids(database).catch(() => undefined)) !== undefined);
    expect(await uids(database)).toEqual([]);
  });

  it('refuses while it is stopped, and is found again when it is back', async () => {
    const database = await open(await settings());
    await insert(database, 1);
    await postgres().service.end('SIGINT');
    await expect(uids(database)).rejects.toMatchObject({ name: 'StorageShortage' });
    await expect(database.transaction().execute((db) => insert(db, 2))).rejects.toMatchObject({
      name: 'StorageShortage',
    });
    await postgres().service.start();
    await insert(database, 3);
    expect(await uids(database)).toEqual([1, 3]);
  });

  it('does not hold up a call for ever when it hangs', async () => {
    const database = await open(await settings());
    await uids(database);
    const [session] = await others<{ pid: number }>(
      Config.from(await settings()).values.DATABASE_URL ?? '',
      `select pid from pg_stat_activity where application_name = 'caisson'`,
    );
    process.kill(session?.pid ?? 0, 'SIGSTOP');
    try {
      await expect(uids(database)).rejects.toMatchObject({
        name: 'StorageShortage',
        cause: { message: 'Query read timeout' },
      });
    } finally {
      process.kill(session?.pid ?? 0, 'SIGCONT');
    }
    expect(await uids(database)).toEqual([]);
  });

  describe('a commit whose answer is lost', () => {
    /** Ends the session in the moment of the commit: a deferred trigger runs there. */
    const atCommit = (database: Database, body: string) =>
      sql`${sql.raw(`
        create function at_commit() returns trigger language plpgsql as $$ begin ${body}; return null; end $$;
        create constraint trigger at_commit after insert on "sandboxUids"
          deferrable initially deferred for each row execute function at_commit()`)}`.execute(database);

    it('that was not made is refused, and leaves nothing', async () => {
      const database = await open(await settings());
      await atCommit(database, 'perform pg_terminate_backend(pg_backend_pid())');
      await expect(database.transaction().execute((db) => insert(db, 1))).rejects.toMatchObject({
        name: 'StorageShortage',
      });
      expect(await uids(database)).toEqual([]);
    });

    it('that was made counts as made', async () => {
      const given = await settings({ DATABASE_STATEMENT_TIMEOUT_MS: '3000' });
      const through = await forwarder(new URL(given.DATABASE_URL));
      const database = await open({ ...given, DATABASE_URL: through.url });
      await database.transaction().execute(async (db) => {
        await insert(db, 1);
        through.cutAfter('commit');
      });
      expect(through.cuts()).toBe(1);
      expect(await uids(database)).toEqual([1]);
      await through.close();
    });
  });

  it('keeps the chain of the audit whole with four processes that write, and sweep, at once', async () => {
    const given = await settings({
      DATABASE_STATEMENT_TIMEOUT_MS: '20000',
      DATABASE_CONNECT_TIMEOUT_MS: '20000',
    });
    const config = Config.from(given);
    const logs = await Promise.all([1, 2, 3, 4].map(async () => new AuditLog(await open(given), config)));
    const call = (requestId: string) => ({ type: 'call.accepted' as const, requestId, action: 'test' });
    await Promise.all(
      logs.flatMap((log, writer) =>
        Array.from({ length: 50 }, (_, index) => log.append(call(`${writer}-${index}`))),
      ),
    );
    expect(await logs[0]!.verify()).toMatchObject({ valid: true, entries: 200, head: { id: 200 } });
    const swept = Promise.all(logs.map((log) => log.sweep(Date.now() + 1)));
    await Promise.all(logs.map((log) => log.append(call('later'))));
    await swept;
    expect(await logs[1]!.verify()).toMatchObject({ valid: true, head: { id: 204 } });
  });

  it('gives a project one workspace, and a user one uid, whichever replica is asked first', async () => {
    const given = await settings({
      DATABASE_STATEMENT_TIMEOUT_MS: '20000',
      DATABASE_CONNECT_TIMEOUT_MS: '20000',
    });
    const config = Config.from(given);
    const registries = await Promise.all(
      [1, 2, 3].map(async () => {
        const database = await open(given);
        return new WorkspaceRegistry(database, config, new Membership(database, config));
      }),
    );
    const found = await Promise.all(
      registries.flatMap((registry) =>
        ['ann', 'bob', 'cid', 'dan'].map((userId) => registry.findOrCreate(userId, 'p')),
      ),
    );
    const distinct = new Set(found.map(({ id, userId, uid }) => `${id} ${userId} ${String(uid)}`));
    expect(distinct.size).toBe(4);
    if (process.getuid?.() === 0) expect(new Set(found.map(({ uid }) => uid)).size).toBe(4);
  });

  it('gives a new project one workspace when twenty ask for it at once at two replicas', async () => {
    const given = await settings({ DATABASE_CONNECT_TIMEOUT_MS: '20000' });
    const config = Config.from(given);
    const databases = [await open(given), await open(given)];
    const registries = databases.map(
      (database) => new WorkspaceRegistry(database, config, new Membership(database, config)),
    );
    const found = await Promise.all(
      Array.from({ length: 20 }, (_, index) => registries[index % 2]!.findOrCreate('ann', 'p')),
    );
    expect(new Set(found.map(({ id, uid }) => `${id} ${String(uid)}`)).size).toBe(1);
    expect(await databases[0]!.selectFrom('workspaces').select('id').execute()).toHaveLength(1);
  });

  describe('without Redis', () => {
    const locks: DatabaseLock[] = [];
    const take = async (given: NodeJS.ProcessEnv, stop?: () => void) => {
      const lock = await DatabaseLock.take(Config.from(given), stop, 500);
      locks.push(lock);
      return lock;
    };
    afterEach(() => Promise.all(locks.splice(0).map((lock) => lock.onApplicationShutdown())));
    const SHARED = {
      REDIS_URL: 'redis://127.0.0.1:1',
      WORKSPACE_STORAGE: 'shared',
      CLAUDE_CODE_WORKSPACE: '/srv/workspaces',
    };
    const REFUSED = 'DATABASE_URL: another server is running on this database';

    it('is one server’s alone, until that one has gone', async () => {
      const given = await settings();
      const first = await take(given);
      await expect(take(given)).rejects.toThrow(REFUSED);
      await expect(take({ ...given, ...SHARED })).rejects.toThrow(REFUSED);
      const waiting = take(given);
      await first.onApplicationShutdown();
      await waiting;
    });

    it('is shared by those that have Redis, which keep out one that has none', async () => {
      const given = await settings();
      const shared = { ...given, ...SHARED };
      await Promise.all([take(shared), take(shared)]);
      await expect(take(given)).rejects.toThrow(REFUSED);
    });

    it('is taken again after the session was lost; a server that comes too late for that stops', async () => {
      const given = await settings();
      const stopped = Promise.withResolvers<void>();
      await take(given, () => stopped.resolve());
      await endSessions(given.DATABASE_URL);
      const holders = () =>
        others(
          given.DATABASE_URL,
          `select 1 from pg_locks where locktype = 'advisory' and granted
             and database = (select oid from pg_database where datname = current_database())`,
        );
      await until(async () => (await holders()).length === 1);

      const other = new pg.Client(given.DATABASE_URL);
      await other.connect();
      const wanted = other.query(`select pg_advisory_lock(hashtextextended('server', 0))`);
      await until(
        async () =>
          (await others(given.DATABASE_URL, 'select 1 from pg_locks where not granted')).length === 1,
        5000,
      );
      await others(
        given.DATABASE_URL,
        `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted`,
      );
      await wanted;
      await stopped.promise;
      await other.end();
    });
  });
});

/** Stands between the product and PostgreSQL, and can lose an answer. */
async function forwarder(target: URL) {
  let word: string | undefined;
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const one of [socket, upstream]) {
      sockets.add(one);
      one
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(one);
          socket.destroy();
          upstream.destroy();
        });
    }
    let deaf = false;
    socket.on('data', (data) => {
      if (word !== undefined && data.includes(word)) {
        word = undefined;
        deaf = true;
        count += 1;
      }
      upstream.write(data);
    });
    // The server has answered: what was asked is done, but nobody hears of it.
    upstream.on('data', (data) => (deaf ? socket.destroy() : socket.write(data)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cutAfter: (text: string) => (word = text),
    cuts: () => count,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
