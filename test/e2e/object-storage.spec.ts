/** Several processes whose files are in a bucket and nowhere else: they take turns at one project, and one of them dies. */
import pg from 'pg';
import type { Client } from '../support/client.js';
import { type Cluster, ended, endsOf, startCluster } from '../support/cluster.js';
import { describeUnless, describeWhere } from '../support/cases.js';
import { until } from '../support/processes.js';
import type { ServerProcess } from '../support/server-process.js';
import { hasPostgres } from '../support/services/postgres.js';
import { hasRedis } from '../support/services/redis.js';
import { missingForCeph, startCeph } from '../support/services/ceph.js';
import { type S3Service, startS3 } from '../support/services/s3.js';

const BYTES = { 'content-type': 'application/octet-stream' };
const bash = (command: string) => `@tool Bash ${JSON.stringify({ command })}\n@text Done.`;

const processesWith = (startStore: () => Promise<S3Service>) => () => {
  let s3: S3Service;
  let cluster: Cluster;
  let api: ServerProcess;
  let workers: ServerProcess[];
  beforeAll(async () => {
    s3 = await startStore();
    cluster = await startCluster({ ...s3.settings, CLAUDE_CODE_WORKSPACE: '', S3_TIMEOUT_MS: '2000' });
    [api, ...workers] = await Promise.all([
      cluster.start('api'),
      cluster.start('worker'),
      cluster.start('worker'),
    ]);
  });
  afterAll(async () => {
    await cluster.stop();
    await s3.remove();
  });

  const submit = (client: Client, prompt: string, options = {}) =>
    client.submit({ action: 'generate', prompt, options, metadata: { projectId: 'p' } });
  const file = async (path: string) => (await api.admin.get<string>(`/api/projects/p/files/${path}`)).body;
  const query = async <T extends pg.QueryResultRow>(text: string) => {
    const client = new pg.Client(cluster.databaseUrl);
    await client.connect();
    return client
      .query<T>(text)
      .then(({ rows }) => rows)
      .finally(() => client.end());
  };
  /** Who has run something. */
  const ran = async () =>
    (await query<{ processId: string }>('select distinct "processId" from executions')).map(
      (row) => row.processId,
    );

  it('take turns: each finds what the one before has written, and so does whoever asks for the files', async () => {
    let turns = 0;
    while ((await ran()).length < 2 || turns < 4) {
      turns += 1;
      const { id } = await submit(api.admin, bash(`echo ${turns} >>log; mkdir -p empty; chmod 640 log`));
      expect(await endsOf(api.admin, [id])).toEqual(['succeeded']);
      expect(turns).toBeLessThan(40);
    }
    const lines = Array.from({ length: turns }, (_, index) => `${index + 1}\n`).join('');
    expect(await file('log')).toBe(lines);
  });

  it('revert what another one has done, and run what was asked for with files that were put meanwhile', async () => {
    await api.admin.call('PUT', '/api/projects/p/files/given', 'given', BYTES);
    const { id } = await submit(api.admin, bash('cat given >>log; echo changed >given'));
    const { response } = await ended(api.admin, id);
    expect(response?.result?.files?.map(({ path }) => path)).toEqual(['given', 'log']);
    const other = await cluster.start('api');
    expect((await other.admin.call('POST', `/api/executions/${id}/revert`)).status).toBe(200);
    expect(await file('given')).toBe('given');
  });

  it('keep the last stored files when a worker is killed in the middle of its work', async () => {
    const before = await file('log');
    const { id } = await submit(api.admin, bash('echo half >>log; sleep 300'));
    await until(async () => (await api.admin.execution(id)).status === 'running');
    const refused = await api.admin.call('PUT', '/api/projects/p/files/log', 'not now', BYTES);
    expect([refused.status, refused.body.error?.code]).toEqual([409, 'E010']);
    for (const worker of workers) worker.signal('SIGKILL');
    await cluster.start('worker');
    expect(await endsOf(api.admin, [id])).toEqual(['failed E014']);
    expect(await file('log')).toBe(before);
    const next = await submit(api.admin, bash('echo after >>log'));
    expect(await endsOf(api.admin, [next.id])).toEqual(['succeeded']);
    expect(await file('log')).toBe(`${before}after\n`);
  });

  it('end what cannot be stored as E012, and go on when the store is back', async () => {
    const before = await file('log');
    // The one worker that is left has the files: it needs the store only for what it has written.
    await s3.service.end('SIGKILL');
    const { id } = await submit(api.admin, bash('echo unstored >>log'));
    expect(await endsOf(api.admin, [id])).toEqual(['failed E012']);
    await s3.service.start();
    expect(await file('log')).toBe(before);
    const next = await submit(api.admin, bash('echo stored >>log'));
    expect(await endsOf(api.admin, [next.id])).toEqual(['succeeded']);
    expect(await file('log')).toBe(`${before}stored\n`);
  });
};

const isHere = hasPostgres() && hasRedis();
describeWhere(isHere, 'needs PostgreSQL and Redis')(
  'processes without a shared volume',
  processesWith(startS3),
);
describeUnless(isHere ? missingForCeph() : 'needs PostgreSQL and Redis')(
  'processes without a shared volume, on a Ceph',
  processesWith(startCeph),
);
