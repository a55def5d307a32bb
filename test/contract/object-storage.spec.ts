/** Workspaces in object storage: what one process stores another finds, and nothing else ever becomes the truth. */
import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { NOW } from '../../src/persistence/postgres/sql.js';
import { Orphans } from '../../src/workspaces/objects/orphans.js';
import type { Workspace } from '../../src/workspaces/workspace.js';
import { describeUnless, describeWhere } from '../support/cases.js';
import { until } from '../support/processes.js';
import { hasPostgres, type PostgresService, startPostgres } from '../support/services/postgres.js';
import { missingForCeph, startCeph } from '../support/services/ceph.js';
import { BUCKET, PREFIX, type S3Service, startS3 } from '../support/services/s3.js';
import { tarGz } from '../support/hostile-archives.js';
import { objectGround, type ObjectGround } from '../support/object-ground.js';
import { archivesOn } from '../support/workspace-ground.js';

const HOUR = 60 * 60 * 1000;

const workspacesIn = (startStore: () => Promise<S3Service>) => () => {
  let postgres: PostgresService;
  let s3: S3Service;
  let databaseUrl: string;
  let here: ObjectGround;
  let there: ObjectGround;
  const started: ObjectGround[] = [];
  beforeAll(async () => {
    [postgres, s3] = await Promise.all([startPostgres(), startStore()]);
    databaseUrl = await postgres.createDatabase();
    here = await start();
    there = await start();
  });
  afterAll(async () => {
    for (const one of started) await one.clear();
    await Promise.all([postgres.service.remove(), s3.remove()]);
  });

  async function start(settings: NodeJS.ProcessEnv = {}): Promise<ObjectGround> {
    const made = await objectGround({ ...s3.settings, DATABASE_URL: databaseUrl, ...settings });
    started.push(made);
    return made;
  }

  let projects = 0;
  /** A new project, as each process sees it. */
  const fresh = async (): Promise<[Workspace, Workspace, string]> => {
    const project = `project-${(projects += 1)}`;
    return [await here.workspaces.open('ann', project), await there.workspaces.open('ann', project), project];
  };
  /** All there is to tell of a workspace's files. */
  const all = (one: ObjectGround, workspace: Workspace) =>
    one.workspaces.reading(workspace, async () => {
      const { stdout } = await one.sandboxes.shell(
        "find . -mindepth 1 -printf '%P %y %m %l ' -type f -printf '%Ts ' -exec sha256sum '{}' ';' -o -printf '\\n' | sort",
        { workspace, readsEverything: true },
      );
      return stdout;
    });
  /** Objects of a workspace. */
  const packs = async (workspace: Workspace) => {
    const names = [];
    for await (const { name } of here.bucket.list())
      if (name.startsWith(`${workspace.id}/`)) names.push(name);
    return names;
  };
  const version = async ({ id }: Workspace) => (await here.versions.current(id)).number;
  const die = (one: ObjectGround) =>
    one.database.updateTable('processes').set({ lostAt: NOW }).where('id', '=', one.processId).execute();
  const at = (name: string) => ({ Bucket: BUCKET, Key: `${PREFIX}/${name}` });
  const stored = async (name: string) => {
    const { Body } = await s3.client.send(new GetObjectCommand(at(name)));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const overwrite = (name: string, Body: Buffer) =>
    s3.client.send(new PutObjectCommand({ ...at(name), Body }));

  it('are the same wherever they are looked at: modes, links, empty directories, odd names, large files', async () => {
    const [mine, theirs] = await fresh();
    await here.agent(
      mine,
      `mkdir -p a/empty node_modules/x .git && echo one >a/one && chmod 640 a/one && echo '#!/bin/sh' >run && chmod 755 run
       ln -s ../a/one a/link && ln -s /nowhere dangling && echo x >node_modules/x/index.js && echo ref >.git/HEAD
       head -c 9000000 /dev/urandom >large && yes | head -c 9000000 >packs && printf x >"$(printf 'odd\\377 name')"
       cp a/one a/twin && mkdir closed && echo in >closed/file && chmod 500 closed && touch -d '2020-02-02 02:02:02.5' run`,
    );
    expect(await all(there, theirs)).toBe(await all(here, mine));
    expect(await all(there, theirs)).toContain('a/empty d 755');
    expect(await version(mine)).toBe(1);
  });

  it('send and fetch only what has changed', async () => {
    const [mine, theirs] = await fresh();
    await here.agent(mine, 'head -c 3000000 /dev/urandom >stays; echo 1 >changes; echo 1 >goes');
    await there.get(theirs, 'stays');
    const read = jest.spyOn(there.bucket, 'read');
    await there.agent(theirs, 'echo 2 >changes; rm goes; mkdir -p new; mv changes new/name');
    expect(read).not.toHaveBeenCalled(); // its copy was the truth
    const sizes = await Promise.all((await packs(mine)).map(async (name) => (await stored(name)).length));
    expect(sizes.sort((a, b) => a - b)).toEqual([expect.any(Number), expect.any(Number)]);
    expect(sizes[0]).toBeLessThan(10_000);
    const fetched = jest.spyOn(here.bucket, 'read');
    expect(String(await here.get(mine, 'new/name'))).toBe('2\n');
    const bytes = fetched.mock.calls.reduce((sum, [, from, to]) => sum + to - from, 0);
    expect(bytes).toBeLessThan(10_000);
    expect(await all(here, mine)).toBe(await all(there, theirs));
    jest.restoreAllMocks();
  });

  it('are stored before the answer, by whichever way they are changed', async () => {
    const [mine, theirs] = await fresh();
    await here.put(mine, 'file', 'put here');
    expect(String(await there.get(theirs, 'file'))).toBe('put here');
    await there.workspaces.remove(theirs, 'file');
    await expect(here.get(mine, 'file')).rejects.toMatchObject({ code: 'E009' });
    await archivesOn(here).unpack(mine, {
      format: 'tar.gz',
      into: '',
      mode: 'merge',
      content: Readable.from([tarGz({ name: 'from/archive', content: 'unpacked' })]),
      signal: AbortSignal.timeout(30_000),
    });
    expect((await there.workspaces.list(theirs)).map(({ path }) => path)).toEqual(['from', 'from/archive']);
    const stored = await version(mine);
    await expect(here.put(mine, 'from', 'x')).rejects.toMatchObject({ code: 'E004' });
    await there.workspaces.list(theirs);
    expect(await version(mine)).toBe(stored); // nothing changed, so nothing was stored
  });

  it('bring along what is kept of their states: another process goes back to one', async () => {
    const [mine, theirs] = await fresh();
    await here.put(mine, 'file', 'before');
    const before = await here.workspaces.snapshot(mine);
    await here.put(mine, 'file', 'after');
    const after = await there.workspaces.snapshot(theirs);
    expect((await there.workspaces.changes(theirs, before, after)).diff).toContain('-before');
    await there.workspaces.transit(theirs, { from: after.tree, to: before.tree });
    expect(String(await here.get(mine, 'file'))).toBe('before');
  });

  it('keep of a dry run what it would have done, and nothing else', async () => {
    const [mine, theirs] = await fresh();
    await here.put(mine, 'file', 'as it was');
    const [before, after] = await here.workspaces.trying(mine, async (copy) => {
      const first = await here.workspaces.snapshot(copy);
      await here.sandboxes.shell('echo tried >file', { workspace: copy });
      return [first, await here.workspaces.snapshot(copy)] as const;
    });
    expect(String(await there.get(theirs, 'file'))).toBe('as it was');
    await there.workspaces.transit(theirs, { from: before.tree, to: after.tree });
    expect(String(await here.get(mine, 'file'))).toBe('tried\n');
  });

  it('are written by one at a time: who comes meanwhile is refused, or waits', async () => {
    const [mine, theirs] = await fresh();
    const inside = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const first = here.workspaces.writing(mine, async () => {
      inside.resolve();
      await go.promise;
      await here.sandboxes.shell('echo first >>log', { workspace: mine });
    });
    await inside.promise;
    await expect(there.put(theirs, 'log', 'not now')).rejects.toMatchObject({ code: 'E010' });
    await expect(here.put(mine, 'log', 'not now')).rejects.toMatchObject({ code: 'E010' });
    const second = there.agent(theirs, 'echo second >>log');
    go.resolve();
    await Promise.all([first, second]);
    expect(String(await here.get(mine, 'log'))).toBe('first\nsecond\n');
  });

  it('do not take what a process has written that was given up meanwhile', async () => {
    const [mine, , project] = await fresh();
    await here.put(mine, 'file', 'truth');
    const lost = await start();
    const its = await lost.workspaces.open('ann', project);
    const late = lost.workspaces.writing(its, async () => {
      await lost.sandboxes.shell('echo late >file', { workspace: its });
      await die(lost);
      // Somebody else goes on meanwhile.
      await here.agent(mine, 'echo next >>file');
    });
    await expect(late).rejects.toMatchObject({ code: 'E012' });
    expect(String(await there.get(await there.workspaces.open('ann', project), 'file'))).toBe('truthnext\n');
    expect(await packs(mine)).toHaveLength(2);
  });

  it('do not take what an attempt has written that was fenced off', async () => {
    const [mine, theirs] = await fresh();
    await here.put(mine, 'file', 'truth');
    const work = () => here.sandboxes.shell('echo fenced >file', { workspace: mine });
    await expect(here.workspaces.writing(mine, work, () => Promise.resolve(false))).rejects.toMatchObject({
      code: 'E012',
    });
    expect(String(await there.get(theirs, 'file'))).toBe('truth');
    // What is left of it here is not shown either.
    expect(String(await here.get(mine, 'file'))).toBe('truth');
  });

  it('stay what they were when somebody dies between sending and the commit; what was sent is collected', async () => {
    const [mine, theirs, project] = await fresh();
    await here.put(mine, 'file', 'truth');
    const dying = await start();
    const its = await dying.workspaces.open('ann', project);
    jest.spyOn(dying.versions, 'advance').mockRejectedValue(new Error('killed'));
    await expect(dying.put(its, 'file', 'never')).rejects.toThrow('killed');
    await die(dying);
    expect(String(await there.get(theirs, 'file'))).toBe('truth');
    expect(await packs(mine)).toHaveLength(2);
    const orphans = new Orphans(here.bucket, here.versions);
    await orphans.sweep(Date.now(), () => false);
    expect(await packs(mine)).toHaveLength(2); // too young: it may be about to be committed
    await orphans.sweep(Date.now() + 2 * HOUR, () => false);
    expect(await packs(mine)).toHaveLength(1);
    await here.put(mine, 'file', 'next');
    expect(String(await there.get(theirs, 'file'))).toBe('next');
  });

  it('are refused when what is stored is not what was', async () => {
    const [mine, theirs] = await fresh();
    await here.agent(mine, 'echo content >file; head -c 5000000 /dev/urandom >large');
    const [pack = ''] = await packs(mine);
    const whole = await stored(pack);
    for (const at of [3, 100_000, whole.length - 300]) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      await overwrite(pack, damaged);
      await expect(there.workspaces.list(theirs)).rejects.toMatchObject({ code: 'E012' });
    }
    await overwrite(pack, whole.subarray(0, 1_000_000));
    await expect(there.workspaces.list(theirs)).rejects.toMatchObject({ code: 'E012' });
    expect(await readdir(theirs.path)).toEqual([]);
    await overwrite(pack, whole);
    expect(await all(there, theirs)).toBe(await all(here, mine));
  });

  it('wait for a store that is away with E012, and lose nothing by it', async () => {
    const [mine, theirs] = await fresh();
    await here.put(mine, 'file', 'truth');
    await s3.service.end('SIGKILL');
    await expect(there.get(theirs, 'file')).rejects.toMatchObject({
      code: 'E012',
      retryAfter: expect.any(Number),
    });
    expect(String(await here.get(mine, 'file'))).toBe('truth'); // a copy that is the truth needs no store
    await expect(here.put(mine, 'file', 'lost')).rejects.toMatchObject({ code: 'E012' });
    await expect(here.agent(mine, 'echo lost >file')).rejects.toMatchObject({ code: 'E012' });
    await s3.service.start();
    expect(String(await there.get(theirs, 'file'))).toBe('truth');
    expect(String(await here.get(mine, 'file'))).toBe('truth');
    await here.put(mine, 'file', 'again');
    expect(String(await there.get(theirs, 'file'))).toBe('again');
  });

  it('take no more room than they may: the least recently used copy goes, never one in use', async () => {
    const small = await start({ WORKSPACE_CACHE_BYTES: String(3 * 1024 * 1024) });
    const made = [];
    for (const name of ['one', 'two', 'three']) {
      const workspace = await small.workspaces.open('bob', name);
      await small.agent(workspace, 'head -c 1400000 /dev/urandom >file');
      made.push(workspace);
    }
    const [one, two, three] = made as [Workspace, Workspace, Workspace];
    const isEmpty = async ({ path }: Workspace) => (await readdir(path)).length === 0;
    await until(() => isEmpty(one));
    expect([await isEmpty(two), await isEmpty(three)]).toEqual([false, false]);
    await small.workspaces.reading(two, async () => {
      expect(await small.get(one, 'file')).toHaveLength(1_400_000);
      await until(() => isEmpty(three));
      expect(await isEmpty(two)).toBe(false);
    });
  });
};

describeWhere(hasPostgres(), 'needs PostgreSQL')('workspaces in object storage', workspacesIn(startS3));
// s3rver takes any signature; this judges each, and is what many run in earnest.
describeUnless(hasPostgres() ? missingForCeph() : 'needs PostgreSQL')(
  'workspaces in the object storage of a Ceph',
  workspacesIn(startCeph),
);
