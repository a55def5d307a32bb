/** Processes that are cut off or killed in the middle of something, and what becomes of it. Every start of one costs seconds. */
import pg from 'pg';
import { RehearsalModel } from '../../src/model-gateway/rehearsal/rehearsal-model.js';
import type { SnapshotList } from '../../src/workspaces/snapshots.dto.js';
import { describeWhere } from '../support/cases.js';
import { type Cluster, ended, endsOf, LEASE_MS, startCluster } from '../support/cluster.js';
import { descendantsOf, gone, until } from '../support/processes.js';
import type { ServerProcess } from '../support/server-process.js';
import { hasPostgres } from '../support/services/postgres.js';
import { hasRedis } from '../support/services/redis.js';
import { startWire, type Wire } from '../support/wire.js';

const bash = (command: string) => `@tool Bash ${JSON.stringify({ command })}\n@text Done.`;

describeWhere(hasPostgres() && hasRedis(), 'needs PostgreSQL and Redis')('lost processes', () => {
  let cluster: Cluster;
  let api: ServerProcess;
  let other: ServerProcess;
  /** A worker whose connections to PostgreSQL and Redis can be cut. */
  let parted: ServerProcess;
  let wires: Wire[];
  let database: pg.Client;
  let model: RehearsalModel;
  beforeAll(async () => {
    // Apart from the workers: what they have asked it goes on when they are gone.
    model = new RehearsalModel();
    const { url } = await model.start();
    cluster = await startCluster({
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: 'sk-of-the-lost',
      ECONOMY_POLL_MS: '300',
    });
    wires = await Promise.all([startWire(cluster.databaseUrl), startWire(cluster.redis.url)]);
    const [DATABASE_URL, REDIS_URL] = wires.map(({ url }) => url);
    [api, other, parted] = await Promise.all([
      cluster.start('api'),
      cluster.start('api'),
      cluster.start('worker', { DATABASE_URL, REDIS_URL }),
    ]);
    database = new pg.Client(cluster.databaseUrl);
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await cluster.stop();
    await Promise.all(wires.map((wire) => wire.stop()));
    await model.stop();
  });

  const one = async <T>(query: string): Promise<T> => (await database.query<{ it: T }>(query)).rows[0]!.it;
  const put = (server: ServerProcess, path: string, content: string) =>
    server.admin.call('PUT', `/api/projects/${path}`, content, {
      'content-type': 'application/octet-stream',
    });
  const read = async (server: ServerProcess, path: string) => {
    const { status, body } = await server.admin.get<string>(`/api/projects/${path}`);
    return status === 200 ? body : status;
  };
  const restore = async (server: ServerProcess, project: string, snapshot: string) =>
    (await server.admin.call('POST', `/api/projects/${project}/restore`, { snapshot })).status;
  const snapshots = async (server: ServerProcess, project: string) =>
    (await server.admin.get<SnapshotList>(`/api/projects/${project}/snapshots`)).body.items;

  it('that are only cut off are missed, what they ran is taken up, and they write nothing when they are back', async () => {
    const writes = await api.admin.submit({
      action: 'generate',
      prompt: bash('for i in $(seq 3000); do echo $i >>log; sleep 0.1; done'),
      metadata: { projectId: 'parted' },
    });
    const reads = await api.admin.submit({
      action: 'analyze',
      prompt: bash('sleep 3'),
      metadata: { projectId: 'read' },
    });
    for (const { id } of [writes, reads])
      await until(async () => (await api.admin.execution(id)).status === 'running');
    await until(async () => (await read(api, 'parted/files/log')) !== 404);

    for (const wire of wires) wire.cut();
    const worker = await cluster.start('worker');
    // The lease, the next look, and at most the silence that PostgreSQL allows within a transaction: 28 s with the defaults.
    await until(async () => (await api.admin.execution(writes.id)).status === 'failed', 30_000);
    expect(await endsOf(api.admin, [writes.id, reads.id])).toEqual(['failed E014', 'succeeded']);
    expect((await api.admin.execution(reads.id)).attempt).toBe(2);
    // It finds out by itself, and ends what it ran, although it can tell nobody.
    await until(() => parted.output().includes('it could not say that it was there'), 10 * LEASE_MS);
    await gone(() => descendantsOf(parted.pid));

    const seen = async () => ({
      writes: await other.admin.execution(writes.id),
      reads: await other.admin.execution(reads.id),
      events: await Promise.all([writes, reads].map(({ id }) => other.admin.history(id))),
      log: await read(other, 'parted/files/log'),
    });
    const before = await seen();
    for (const wire of wires) wire.mend();
    worker.signal('SIGTERM');
    await worker.exited;
    // Nobody else is there: it works again, also where it was fenced off.
    const next = await api.admin.submit({
      action: 'generate',
      prompt: '@text again',
      metadata: { projectId: 'parted' },
    });
    expect(await endsOf(api.admin, [next.id])).toEqual(['succeeded']);
    expect(await seen()).toEqual(before);
  });

  it('that are killed while they change a workspace give way to the next one, and leave nothing half-done', async () => {
    await put(api, 'left/files/a', 'one');
    const { id } = await api.admin.submit({
      action: 'generate',
      prompt: bash('echo two >a'),
      metadata: { projectId: 'left' },
    });
    await ended(api.admin, id);
    const first = (await snapshots(api, 'left')).find(({ kind }) => kind === 'before')!;

    const doomed = await cluster.start('api');
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const upload = fetch(`${doomed.url}/api/projects/left/files/half`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${doomed.admin.secret}`,
        'content-type': 'application/octet-stream',
      },
      body: body.readable,
      duplex: 'half',
    }).then(
      ({ status }) => status,
      () => 'cut',
    );
    const writer = body.writable.getWriter();
    await writer.write(Buffer.from('the first half'));
    const holder = `select max("processId") as it from leases where kind = 'changing'`;
    await until(async () => (await one<string | null>(holder)) !== null);
    const lost = await one<string>(holder);
    doomed.signal('SIGKILL');
    await doomed.exited;
    expect(await upload).toBe('cut');
    await writer.abort().catch(() => undefined);

    // Alone in the workspace: it has to wait for the one that is gone, and not for longer.
    expect(await restore(other, 'left', first.id)).toBe(200);
    expect(await one(`select "lostAt" is not null as it from processes where id = '${lost}'`)).toBe(true);
    await until(async () => (await one('select count(*)::int as it from leases')) === 0);
    expect([await read(api, 'left/files/a'), await read(api, 'left/files/half')]).toEqual(['one', 404]);
  });

  it('or not, two processes keep and bring back the states of one workspace, each of them whole', async () => {
    const servers = [api, other];
    await put(api, 'states/files/a', '0');
    for (let round = 1; round <= 3; round += 1) {
      const { id } = await servers[round % 2]!.admin.submit({
        action: 'generate',
        prompt: bash(`echo ${round} >a; mkdir -p d; echo ${round} >d/file-${round}`),
        options: { backup: true },
        metadata: { projectId: 'states' },
      });
      await ended(api.admin, id);
    }
    const kept = (await snapshots(other, 'states')).filter(({ kind }) => kind === 'after').reverse();
    expect(kept.length).toBe(3);
    // Both at once, each to another state: one comes after the other, and is done as a whole or refused for what has changed.
    for (const [here, there] of [
      [kept[0]!, kept[2]!],
      [kept[2]!, kept[1]!],
      [kept[1]!, kept[0]!],
    ] as const) {
      const answers = await Promise.all([
        restore(api, 'states', here.id),
        restore(other, 'states', there.id),
      ]);
      expect(answers).toContain(200);
      expect(answers.filter((status) => ![200, 409].includes(status))).toEqual([]);
      const content = Number(await read(api, 'states/files/a'));
      const rounds = [1, 2, 3].map((round) => read(other, `states/files/d/file-${round}`));
      expect(await Promise.all(rounds)).toEqual(
        [1, 2, 3].map((round) => (round <= content ? `${round}\n` : 404)),
      );
    }
  });

  it('that carry a batch of mode economy give it to the next one, which asks for nothing again', async () => {
    const metadata = { projectId: 'economy' };
    const { id } = await api.admin.submitBatch(
      [
        { action: 'generate', prompt: '@wait 4000ms\n@text Late.', metadata },
        { action: 'generate', prompt: '@tool Write {"file_path":"a","content":"a"}', metadata },
      ],
      undefined,
      'economy',
    );
    await until(async () => (await one('select count(*)::int as it from parcels')) === 1);
    // What waits at the service keeps nobody from the workspace.
    const between = await api.admin.submit({ action: 'generate', prompt: '@text Between.', metadata });
    expect(await endsOf(api.admin, [between.id])).toEqual(['succeeded']);
    const carrier = `select "processId" as it from batches where id = '${id}'`;
    const lost = await one<string>(carrier);
    parted.signal('SIGKILL');
    await parted.exited;
    await cluster.start('worker');
    expect((await other.admin.results(id)).map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    expect(await one<string>(carrier)).not.toBe(lost);
    expect(await one('select count(*)::int as it from parcels')).toBe(1);
    expect(await read(api, 'economy/files/a')).toBe('a');
  });
});
