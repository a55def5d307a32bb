/**
 * The topology of docker-compose.yml, its services as processes: the settings of each are those of the file, the proxy's
 * configuration is the one it mounts; only addresses and paths are the test's.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { BatchItem } from '../../src/batches/batch-stream.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { describeWhere } from '../support/cases.js';
import { Client } from '../support/client.js';
import { type Cluster, endsOf, startCluster } from '../support/cluster.js';
import { missingPrograms } from '../support/debian.js';
import { type Nginx, startNginx } from '../support/nginx.js';
import { until } from '../support/processes.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { hasPostgres } from '../support/services/postgres.js';
import { hasRedis } from '../support/services/redis.js';

/** Beside what the file says: so that several places do not help one user. */
const USER_MAX = 2;

interface Compose {
  services: Record<string, { image: string; environment: Record<string, string>; command?: string[] }>;
}

const isThere = hasPostgres() && hasRedis() && missingPrograms({ nginx: ['nginx-light'] }) === undefined;

describeWhere(isThere, 'needs PostgreSQL, Redis and nginx')('the topology of docker-compose.yml', () => {
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose;
  let cluster: Cluster;
  let directory: string;
  let nginx: Nginx;
  let front: Client;
  let api: ServerProcess;
  let other: ServerProcess;

  /** The settings of a service, with files of the test's in the place of its secrets. */
  const settingsOf = (name: string): NodeJS.ProcessEnv => {
    const { ANTHROPIC_API_KEY_FILE: _key, ...environment } = services[name]!.environment;
    const inFiles = Object.keys(environment).filter((setting) => setting.endsWith('_FILE'));
    return {
      ...environment,
      ...Object.fromEntries(inFiles.map((setting) => [setting, join(directory, setting)])),
      BOOTSTRAP_API_KEY: undefined,
      CLAUDE_CODE_WORKSPACE: join(directory, 'workspaces'),
      USER_MAX_CONCURRENT: String(USER_MAX),
    };
  };
  const start = (name: string) => startServer(join(directory, name), settingsOf(name));

  beforeAll(async () => {
    [cluster, directory] = await Promise.all([startCluster(), temporaryDirectory()]);
    const secrets = { DATABASE_URL: cluster.databaseUrl, REDIS_URL: cluster.redis.url };
    const key = 'the-bootstrap-key-of-the-topology-0123456789';
    for (const [name, secret] of Object.entries({ ...secrets, BOOTSTRAP_API_KEY: key }))
      await writeFile(join(directory, `${name}_FILE`), `${secret}\n`, { mode: 0o600 });
    const [, ...command] = services.migration!.command!;
    const migration = spawn(
      process.execPath,
      command.map((part) => part.replace(/^dist/, resolve('dist'))),
      {
        env: {
          PATH: process.env.PATH,
          CAISSON_DATA: join(directory, 'migration'),
          ...settingsOf('migration'),
        },
        stdio: 'ignore',
      },
    );
    expect(await once(migration, 'exit')).toEqual([0, null]);
    const servers = Object.keys(services).filter((name) => /^(api|worker)-/.test(name));
    [api, other] = (await Promise.all(servers.map(start))) as [ServerProcess, ServerProcess];
    nginx = await startNginx([new URL(api.url).host, new URL(other.url).host]);
    front = new Client(nginx.url, key);
    [api, other] = [api, other].map((server) => ({ ...server, admin: new Client(server.url, key) })) as [
      ServerProcess,
      ServerProcess,
    ];
  });
  afterAll(async () => {
    front.close();
    await nginx.stop();
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const numbered = (numbers: readonly number[]) => numbers.map((_, index) => index + 1);
  /** Each in a project of its own, so that only their user holds them up. */
  const requests = (count: number, prompt: string): ClaudeCodeRequest[] =>
    Array.from({ length: count }, (_, index) => ({
      action: 'generate',
      prompt,
      metadata: { projectId: `${prompt.slice(1, 5)}-${index}` },
    }));

  it('runs one execution through the proxy, whose events arrive over SSE at whichever replica is asked', async () => {
    const { id } = await front.submit({
      action: 'generate',
      prompt: '@deltas 20 every 30ms of "{n} "\n@text end',
    });
    const all = await Promise.all([front.history(id), front.history(id), front.history(id)]);
    for (const items of all) {
      const numbers = items.map(({ seq }) => seq);
      expect(numbers).toEqual(numbered(numbers));
      expect(items.at(-1)).toMatchObject({ type: 'execution.finished', data: { status: 'succeeded' } });
    }
  });

  it('runs one through the proxy over socket.io, from long polling to a WebSocket', async () => {
    const socket = await front.socket();
    const complete = new Promise((resolve) => socket.once('claude-code-complete', resolve));
    await socket.emitWithAck('claude-code-stream', { action: 'analyze', prompt: 'What is here?' });
    expect(await complete).toMatchObject({ exitCode: 0 });
    expect(socket.io.engine.transport.name).toBe('websocket');
  });

  it('lets a batch that came to one replica be followed at the other, no more of its user running than may', async () => {
    const { id } = await api.admin.submitBatch(requests(5, '@wait 300ms\n@text done'));
    const items: BatchItem[] = [];
    let [running, most] = [0, 0];
    for await (const item of other.admin.batchItems(id)) {
      items.push(item);
      if (item.type === 'execution.started') most = Math.max(most, (running += 1));
      if (item.type === 'execution.finished') running -= 1;
    }
    const numbers = items.flatMap((item) =>
      'batchSeq' in item && item.type !== 'stream.gap' ? [item.batchSeq] : [],
    );
    expect(numbers).toEqual(numbered(numbers));
    expect(items.at(-1)).toMatchObject({ type: 'batch.finished', data: { status: 'succeeded' } });
    expect(most).toBe(USER_MAX);
    expect((await other.admin.results(id)).map(({ position, status }) => `${position} ${status}`)).toEqual(
      [0, 1, 2, 3, 4].map((position) => `${position} succeeded`),
    );
  });

  it('lets the other replica cancel a batch, what runs on both workers and what waits', async () => {
    const batch = await api.admin.submitBatch(requests(5, '@hang'));
    await until(async () => (await other.admin.batch(batch.id)).counts.running === USER_MAX);
    // Somebody else is not held up.
    const { id } = await api.admin.submit({
      action: 'generate',
      prompt: '@text beside',
      metadata: { userId: 'somebody-else' },
    });
    expect(await endsOf(api.admin, [id])).toEqual(['succeeded']);
    const followed = Array.fromAsync(api.admin.batchItems(batch.id));
    expect((await other.admin.call('POST', `/api/batches/${batch.id}/cancel`)).status).toBe(200);
    expect((await followed).at(-1)).toMatchObject({
      type: 'batch.finished',
      data: { status: 'cancelled', counts: { queued: 0, running: 0, cancelled: 5 } },
    });
    expect((await api.admin.results(batch.id)).map(({ status }) => status)).toEqual(
      Array(5).fill('cancelled'),
    );
  });

  it('ends the stream of what has ended, also for who asks for numbers that will never come', async () => {
    const { id } = await api.admin.submit({ action: 'generate', prompt: '@text over' });
    expect(await endsOf(api.admin, [id])).toEqual(['succeeded']);
    const batch = await api.admin.submitBatch(requests(1, '@text over'));
    await api.admin.results(batch.id);
    for (const { admin } of [api, other])
      for (const after of [2 ** 31, Number.MAX_SAFE_INTEGER]) {
        expect(await admin.history(id, after)).toEqual([]);
        const left = await Array.fromAsync(admin.batchItems(batch.id, after));
        expect(left.filter((item) => 'executionId' in item)).toEqual([]);
      }
  });
});
