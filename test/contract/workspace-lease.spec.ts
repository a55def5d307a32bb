/** What every lease of workspaces promises, in one process and among several. */
import { randomUUID } from 'node:crypto';
import Emittery from 'emittery';
import type { Membership } from '../../src/cluster/membership.js';
import { Config } from '../../src/config/config.js';
import type { Database } from '../../src/persistence/database.js';
import { openDatabase } from '../../src/persistence/persistence.module.js';
import { NOW } from '../../src/persistence/postgres/sql.js';
import { DatabaseLease } from '../../src/workspaces/database-lease.js';
import { LocalLease } from '../../src/workspaces/local-lease.js';
import type { WorkspaceLease } from '../../src/workspaces/workspace-lease.js';
import { until } from '../support/processes.js';
import { type PostgresService, startPostgres } from '../support/services/postgres.js';

let postgres: PostgresService;
let database: Database;

beforeAll(async () => {
  postgres = await startPostgres();
  database = await openDatabase(Config.from({ DATABASE_URL: await postgres.createDatabase() }));
});

afterAll(async () => {
  await database.destroy();
  await postgres.service.remove();
});

async function member(patience?: number) {
  const id = randomUUID();
  await database.insertInto('processes').values({ id, startedAt: NOW, seenAt: NOW }).execute();
  const events: Membership['events'] = new Emittery();
  return { id, events, lease: new DatabaseLease(database, { id, events }, patience) };
}

const die = (id: string) =>
  database.updateTable('processes').set({ lostAt: NOW }).where('id', '=', id).execute();

/** Somebody who holds until told to stop. */
function holding(take: (work: () => Promise<void>) => Promise<void>) {
  const entered = Promise.withResolvers<void>();
  const stop = Promise.withResolvers<void>();
  const ended = take(() => {
    entered.resolve();
    return stop.promise;
  });
  return { entered: entered.promise, stop: () => (stop.resolve(), ended) };
}

describe.each([
  [
    'in one process',
    () => {
      const lease = new LocalLease();
      return Promise.resolve([lease, lease] as const);
    },
  ],
  ['among several processes', async () => [(await member()).lease, (await member()).lease] as const],
])('a lease %s', (_, make) => {
  let here: WorkspaceLease;
  let there: WorkspaceLease;
  let workspace: string;
  beforeEach(async () => {
    [here, there] = await make();
    workspace = randomUUID();
  });

  it('lets those who share be there together, beside one who writes', async () => {
    const first = holding((work) => here.shared(workspace, work));
    const second = holding((work) => there.changing(workspace, work));
    const third = holding((work) => here.writing(workspace, work));
    await Promise.all([first.entered, second.entered, third.entered]);
    expect(await there.writes(workspace)).toMatchObject({ writers: 1, changing: 1 });
    await Promise.all([first, second, third].map(({ stop }) => stop()));
    expect(await there.writes(workspace)).toMatchObject({ writers: 0, changing: 0 });
  });

  it('lets one be alone after those who were there, and before those who come later', async () => {
    const seen: string[] = [];
    const sharing = holding((work) => here.shared(workspace, work));
    await sharing.entered;
    const alone = there.exclusive(workspace, async () => {
      seen.push('alone');
      await Promise.resolve();
    });
    if (there instanceof DatabaseLease)
      await until(async () => (await here.writes(workspace)).changing === 1);
    const later = here.shared(workspace, async () => {
      seen.push('later');
      await Promise.resolve();
    });
    expect(seen).toEqual([]);
    await sharing.stop();
    await Promise.all([alone, later]);
    expect(seen).toEqual(['alone', 'later']);
  });

  it('never lets two be alone', async () => {
    let inside = 0;
    let most = 0;
    const alone = (lease: WorkspaceLease) =>
      lease.exclusive(workspace, async () => {
        most = Math.max(most, (inside += 1));
        await lease.writes(workspace);
        inside -= 1;
      });
    await Promise.all([here, there, here, there, here, there].map(alone));
    expect(most).toBe(1);
  });

  it('gives way when the work fails', async () => {
    await expect(here.exclusive(workspace, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(there.shared(workspace, () => Promise.resolve('in'))).resolves.toBe('in');
  });
});

describe('a lease among several processes', () => {
  it('names another time when another process has written', async () => {
    const [here, there] = [(await member()).lease, (await member()).lease];
    const id = randomUUID();
    await database
      .insertInto('workspaces')
      .values({ id, userId: id, projectId: 'p', createdAt: 0, uid: null })
      .execute();
    const before = await here.writes(id);
    await there.shared(id, () => Promise.resolve());
    expect(await here.writes(id)).toEqual(before);
    await there.writing(id, () => Promise.resolve());
    expect((await here.writes(id)).span).not.toBe(before.span);
  });

  it('is free again when the process that was alone is lost', async () => {
    const lost = await member();
    const id = randomUUID();
    const alone = holding((work) => lost.lease.exclusive(id, work));
    await alone.entered;
    await die(lost.id);
    await expect((await member()).lease.exclusive(id, () => Promise.resolve('in'))).resolves.toBe('in');
    await alone.stop();
  });

  it('gives nothing to a process that is lost', async () => {
    const lost = await member();
    await die(lost.id);
    await expect(lost.lease.shared(randomUUID(), () => Promise.resolve())).rejects.toMatchObject({
      code: 'E012',
    });
  });

  it('tells those who hold it that their process is lost, and nobody who comes later', async () => {
    const { lease, events } = await member();
    const { lost } = lease;
    expect(lost.aborted).toBe(false);
    await events.emit('lost', { reason: 'it was held' });
    expect(lost.reason).toMatchObject({ code: 'E012' });
    expect(lease.lost.aborted).toBe(false);
  });

  it('gives up in the end, and leaves nothing behind', async () => {
    const id = randomUUID();
    const sharing = holding(async (work) => (await member()).lease.shared(id, work));
    await sharing.entered;
    const { lease } = await member(50);
    await expect(lease.exclusive(id, () => Promise.resolve())).rejects.toMatchObject({ code: 'E012' });
    await sharing.stop();
    expect(await database.selectFrom('leases').selectAll().where('workspaceId', '=', id).execute()).toEqual(
      [],
    );
  });
});
