/** What several processes do to one database at the same moment: each of them is an object here with a pool of its own. */
import { sql } from 'kysely';
import { ApiKeys } from '../../src/access/api-keys.js';
import { HeldKeys } from '../../src/access/held-keys.js';
import { SCOPES } from '../../src/access/principal.js';
import { AnswerStore } from '../../src/cache/answer-store.js';
import { Config } from '../../src/config/config.js';
import { ExecutionStore } from '../../src/execution/execution-store.js';
import type { Database } from '../../src/persistence/database.js';
import { openDatabase } from '../../src/persistence/persistence.module.js';
import { noChanges } from '../../src/workspaces/workspace.js';
import { InProcessBroadcast } from '../../src/streaming/event-broadcast.js';
import { StoredEventLog } from '../../src/streaming/stored-event-log.js';
import { describeOnPostgres } from '../support/databases.js';

const keysOf = (database: Database, config: Config) =>
  new ApiKeys(database, config, new HeldKeys(database, config));
const ADMIN = { userId: 'admin', name: 'test', scopes: [...SCOPES] };

describeOnPostgres('replicas on one PostgreSQL', (postgres) => {
  const opened: Database[] = [];
  /** So many processes, each with its own connections. */
  const replicas = async <T>(
    count: number,
    make: (database: Database, config: Config) => T,
    settings: NodeJS.ProcessEnv = {},
  ): Promise<T[]> => {
    const config = Config.from({ DATABASE_URL: await postgres().createDatabase(), ...settings });
    const made = [];
    for (let n = 0; n < count; n += 1) {
      const database = await openDatabase(config);
      opened.push(database);
      made.push(make(database, config));
    }
    return made;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.destroy()));
  });
  const insertExecution = (database: Database, id: string, more: object = {}) =>
    database
      .insertInto('executions')
      .values({
        ...{ id, userId: 'ann', projectId: 'p', keyId: 'k', requestId: 'r', action: 'generate' },
        ...{ access: 'read-write', priority: 'interactive', engine: 'e', model: 'm', request: '{}' },
        ...{ requestHash: '', status: 'running', attempt: 1, lastSeq: 0, createdAt: 1 },
        ...more,
      })
      .execute();

  it('leave one admin key when each revokes the other one’s', async () => {
    const keys = await replicas(2, keysOf);
    const [one, other] = keys as [ApiKeys, ApiKeys];
    let kept = await one.create(ADMIN);
    for (let round = 0; round < 20; round += 1) {
      const next = await other.create(ADMIN);
      const outcomes = await Promise.allSettled([one.revoke(kept.id), other.revoke(next.id)]);
      const refused = outcomes.filter(({ status }) => status === 'rejected');
      expect(refused).toEqual([{ status: 'rejected', reason: expect.objectContaining({ code: 'E010' }) }]);
      if (outcomes[1].status === 'rejected') kept = next;
    }
  });

  it('make one admin key when all of them start for the first time, and only one tells its secret', async () => {
    const keys = await replicas(4, keysOf);
    const secrets = (await Promise.all(keys.map((one) => one.bootstrap()))).filter(Boolean);
    expect(secrets).toHaveLength(1);
    expect((await keys[0]!.list({ limit: 10 })).items).toHaveLength(1);
  });

  it('make one of the key that was given to all of them', async () => {
    const keys = await replicas(4, keysOf, {
      BOOTSTRAP_API_KEY: 'k'.repeat(40),
    });
    await Promise.all(keys.map((one) => one.bootstrap()));
    expect((await keys[0]!.list({ limit: 10 })).items).toHaveLength(1);
  });

  it('revoke a key for each other with the next call', async () => {
    const keys = await replicas(2, keysOf);
    const [one, other] = keys as [ApiKeys, ApiKeys];
    const { id, secret } = await one.create({ ...ADMIN, scopes: ['read'] });
    expect(await other.authenticate(secret)).toMatchObject({ keyId: id });
    await one.revoke(id);
    await expect(other.authenticate(secret)).rejects.toMatchObject({ code: 'E007' });
  });

  it('number the events of many batches without holes, and never wait for each other in a circle', async () => {
    let config = Config.from({});
    const logs = await replicas(2, (database, given) => {
      config = given;
      return new StoredEventLog(database, new InProcessBroadcast(), given);
    });
    const [database] = opened as [Database];
    const batches = Array.from({ length: 6 }, (_, index) => `batch${index}`);
    for (const id of batches)
      await database
        .insertInto('batches')
        .values({
          id,
          userId: 'ann',
          keyId: 'k',
          requestId: 'r',
          requestHash: '',
          total: 2,
          lastSeq: 0,
          createdAt: 1,
        })
        .execute();
    for (const batchId of batches)
      for (const position of [0, 1])
        await insertExecution(database, `${batchId}-${position}`, { batchId, position });
    const fact = { type: 'agent.text' as const, data: { text: 'x' } };
    // One begins with the first batch, the other one with the last.
    await Promise.all(
      Array.from({ length: 40 }, () => [
        ...batches.map((id) => logs[0]!.append(`${id}-0`, 1, [fact])),
        ...batches.toReversed().map((id) => logs[1]!.append(`${id}-1`, 1, [fact, fact])),
      ]).flat(),
    );
    for (const batchId of batches) {
      const rows = await database
        .selectFrom('events')
        .select('batchSeq')
        .where('batchId', '=', batchId)
        .orderBy('batchSeq')
        .execute();
      expect(rows.map(({ batchSeq }) => batchSeq)).toEqual(
        Array.from({ length: 120 }, (_, index) => index + 1),
      );
    }
    // A session has told its counts, for certain, when it has ended.
    await Promise.all(opened.splice(0).map((one) => one.destroy()));
    const watcher = await openDatabase(config);
    opened.push(watcher);
    const { rows } = await sql<{ deadlocks: number }>`
      select deadlocks from pg_stat_database where datname = current_database()`.execute(watcher);
    expect(rows).toEqual([{ deadlocks: 0 }]);
  });

  it('find nothing after a number that 32 bits do not hold', async () => {
    const [log] = (await replicas(
      1,
      (database, config) => new StoredEventLog(database, new InProcessBroadcast(), config),
    )) as [StoredEventLog];
    await insertExecution(opened[0]!, 'e');
    await log.append('e', 1, [{ type: 'agent.text', data: { text: 'x' } }]);
    expect(await log.read('e', 2 ** 31, 1)).toEqual([]);
    expect(await log.read('e', Number.MAX_SAFE_INTEGER, 1)).toEqual([]);
    expect(await log.read('e', 0, 1)).toHaveLength(1);
  });

  it('sweep at once, and remove what is due and nothing else', async () => {
    const stores = await replicas(3, (database) => new ExecutionStore(database));
    const [database] = opened as [Database];
    for (let n = 0; n < 100; n += 1)
      await insertExecution(database, `e${n}`, { status: 'succeeded', endedAt: n < 90 ? 10 : 1000 });
    const sweep = async (store: ExecutionStore) => {
      let all = 0;
      for (let removed = -1; removed !== 0; all += removed) removed = await store.removeEndedBefore(100, 7);
      return all;
    };
    const removed = await Promise.all(stores.map(sweep));
    expect(removed.reduce((sum, count) => sum + count)).toBe(90);
    expect(await database.selectFrom('executions').select('id').execute()).toHaveLength(10);
  });

  it('keep answers within their bytes when all of them keep some', async () => {
    const stores = await replicas(3, (database, config) => new AnswerStore(database, config), {
      CACHE_MAX_BYTES: '64000',
    });
    const answer = (text: string) => ({
      events: [],
      outcome: { text, complete: true },
      changes: noChanges(),
      model: 'm',
    });
    await Promise.all(
      stores.flatMap((store) =>
        Array.from({ length: 40 }, (_, n) => store.put(`q${n}`, 'tree', answer('x'.repeat(3000)))),
      ),
    );
    expect((await stores[0]!.size()).bytes).toBeLessThanOrEqual(64_000);
  });
});
