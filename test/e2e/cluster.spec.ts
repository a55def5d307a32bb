/** Several api and worker processes on one Redis and one PostgreSQL: who runs what, and what becomes of it when one is lost. */
import { Redis } from 'ioredis';
import type { Client } from '../support/client.js';
import { type Cluster, ended, endsOf, LEASE_MS, startCluster } from '../support/cluster.js';
import { describeWhere } from '../support/cases.js';
import { until } from '../support/processes.js';
import type { ServerProcess } from '../support/server-process.js';
import { hasPostgres } from '../support/services/postgres.js';
import { hasRedis } from '../support/services/redis.js';

const bash = (command: string) => `@tool Bash ${JSON.stringify({ command })}\n@text Done.`;
/** Runs until it is ended from outside, or for longer than any test. */
const LONG = bash('sleep 300');

describeWhere(hasPostgres() && hasRedis(), 'needs PostgreSQL and Redis')('several processes', () => {
  let cluster: Cluster;
  let api: ServerProcess;
  let other: ServerProcess;
  let workers: ServerProcess[];
  beforeAll(async () => {
    // Longer than a busy machine pauses: who has a workspace warm is asked first, however long it takes to answer.
    cluster = await startCluster({ WARM_PREFERENCE_MS: '20000' });
    [api, other, ...workers] = await Promise.all([
      cluster.start('api'),
      cluster.start('api'),
      cluster.start('worker'),
      cluster.start('worker'),
    ]);
  });
  afterAll(() => cluster.stop());

  const submit = (
    client: Client,
    prompt: string,
    {
      action = 'generate',
      projectId = 'p',
      ...more
    }: { action?: 'generate' | 'analyze'; projectId?: string } = {},
  ) => client.submit({ action, prompt, metadata: { projectId }, ...more });

  const running = (client: Client, id: string) =>
    until(async () => (await client.execution(id)).status === 'running');

  const lose = async (worker: ServerProcess, signal: NodeJS.Signals) => {
    worker.signal(signal);
    if (signal !== 'SIGSTOP') await worker.exited;
    workers = workers.filter((one) => one !== worker);
  };

  /** Ends all workers but one, so that it is known who runs what comes next. */
  const only = async () => {
    for (const worker of workers.slice(1)) await lose(worker, 'SIGTERM');
    return workers[0] ?? cluster.start('worker');
  };

  const anew = async () => {
    const worker = await cluster.start('worker');
    workers.push(worker);
    return worker;
  };

  const inRedis = async <T>(ask: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis(cluster.redis.url);
    return ask(redis).finally(() => redis.disconnect());
  };

  /** Workspaces of which the others know that somebody has them warm. */
  const announced = () => inRedis(async (redis) => (await redis.keys('caisson:warm:*')).length);

  it('carry out what any api process accepts, and each answers for all', async () => {
    const ids = await Promise.all(
      [api, other, api, other].map(async ({ admin }, index) => {
        const { id } = await submit(admin, `@text ${index}`, { projectId: `any-${index}` });
        return id;
      }),
    );
    expect(await endsOf(other.admin, ids)).toEqual(Array(4).fill('succeeded'));
    expect((await ended(api.admin, ids[1] ?? '')).response?.result?.text).toBe('1');
  });

  it('let one that writes have its workspace to itself, in the order in which they came', async () => {
    const ids: string[] = [];
    // One after the other: of two that are accepted at once neither came first.
    for (let step = 0; step < 5; step += 1) {
      const prompt = bash(`echo ${step} >>log; sleep 0.2; echo ${step} >>log`);
      const { id } = await submit(step % 2 === 0 ? api.admin : other.admin, prompt, { projectId: 'line' });
      ids.push(id);
    }
    await endsOf(api.admin, ids);
    const { body } = await api.admin.get<string>('/api/projects/line/files/log');
    const lines = body.trim().split('\n');
    expect(lines.filter((line, index) => index % 2 === 1 && line !== lines[index - 1])).toEqual([]);
    expect(lines.filter((_, index) => index % 2 === 0)).toEqual(['0', '1', '2', '3', '4']);
  });

  it('accept one execution when two api processes are given one idempotency key at once', async () => {
    const headers = { 'idempotency-key': 'the-same' };
    const request = { action: 'generate', prompt: '@text once', metadata: { projectId: 'same' } } as const;
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? api : other).admin.submit(request, headers)),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  });

  it('cancel what runs on another one in less than a second, and what waits', async () => {
    const { id } = await submit(api.admin, LONG, { projectId: 'cancel' });
    await running(api.admin, id);
    const waits = await submit(api.admin, LONG, { projectId: 'cancel' });
    const begun = performance.now();
    await other.admin.call('POST', `/api/executions/${id}/cancel`);
    await other.admin.call('POST', `/api/executions/${waits.id}/cancel`);
    expect(await endsOf(api.admin, [id, waits.id])).toEqual(['cancelled E013', 'cancelled E013']);
    // Told, not found by the next sign of life; a generous bound, for the machine may be busy.
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it('end what a killed worker was writing, and read once more what it was reading', async () => {
    const worker = await only();
    const writes = await submit(api.admin, LONG, { projectId: 'lost-1' });
    const reads = await submit(api.admin, bash('sleep 5'), { action: 'analyze', projectId: 'lost-2' });
    await Promise.all([running(api.admin, writes.id), running(api.admin, reads.id)]);
    await lose(worker, 'SIGKILL');
    await anew();
    expect(await endsOf(api.admin, [writes.id, reads.id])).toEqual(['failed E014', 'succeeded']);
    expect((await api.admin.execution(reads.id)).attempt).toBe(2);
  });

  it('take nothing from a worker that was held until it was given up', async () => {
    const worker = await only();
    const { id } = await submit(api.admin, `@deltas 1000 every 50ms of "{n} "\n@text end`, {
      projectId: 'held',
    });
    await running(api.admin, id);
    await lose(worker, 'SIGSTOP');
    expect(await endsOf(api.admin, [id])).toEqual(['failed E014']);
    const told = async () => (await other.admin.history(id)).map(({ seq }) => seq);
    const before = await told();
    worker.signal('SIGCONT');
    await until(() => worker.output().includes('is lost'), 10 * LEASE_MS);
    // It is a new process to the others, and works again.
    const next = await submit(api.admin, '@text again', { projectId: 'held' });
    expect(await endsOf(api.admin, [next.id])).toEqual(['succeeded']);
    expect(await told()).toEqual(before);
    expect(before).toEqual(before.map((_, index) => index + 1));
    workers.push(worker);
  });

  it('hand back what a worker that is stopped was reading', async () => {
    const worker = await only();
    const { id } = await submit(api.admin, bash('sleep 4'), { action: 'analyze', projectId: 'handed' });
    await running(api.admin, id);
    worker.signal('SIGTERM');
    await anew();
    await lose(worker, 'SIGTERM');
    expect(await endsOf(api.admin, [id])).toEqual(['succeeded']);
  });

  it('send readers away from an api process that stops, to one that goes on after their last number', async () => {
    const leaving = await cluster.start('api');
    const { id } = await submit(leaving.admin, '@deltas 60 every 50ms of "{n} "', { projectId: 'drained' });
    const numbers: number[] = [];
    for await (const { seq } of leaving.admin.events(id)) {
      if (seq === 3) leaving.signal('SIGTERM');
      numbers.push(seq);
    }
    expect((await leaving.exited).code).toBe(0);
    const last = numbers.at(-1) ?? 0;
    for await (const { seq } of other.admin.events(id, last)) numbers.push(seq);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(numbers.length).toBeGreaterThan(last);
  });

  it('give the next one to the worker that has its workspace warm', async () => {
    for (const worker of [...workers]) await lose(worker, 'SIGTERM');
    const settings = { POOL_SIZE: '2', POOL_SPARES: '0' };
    const both = await Promise.all([cluster.start('worker', settings), cluster.start('worker', settings)]);
    workers.push(...both);
    const metric = async (worker: ServerProcess, name: string) => {
      const { body: text } = await worker.admin.get<string>('/metrics');
      return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)`, 'm').exec(text)?.[1] ?? 0);
    };
    const sum = async (name: string) =>
      (await Promise.all(both.map((worker) => metric(worker, name)))).reduce((one, two) => one + two);
    // The first is asked for ahead of time, at a process that runs nothing itself.
    await until(async () => {
      const asked = await api.admin.call<{ status: string }>('POST', '/api/projects/warm/warm');
      return asked.body.status === 'ready';
    });
    for (let turn = 0; turn < 3; turn += 1) {
      // Told, and true: what was told of the place before it may still be believed.
      await until(async () => (await sum('caisson_pool_ready')) === 1);
      await until(async () => (await announced()) === 1);
      const { id } = await submit(turn % 2 === 0 ? api.admin : other.admin, '@text warm', {
        projectId: 'warm',
      });
      expect(await endsOf(api.admin, [id])).toEqual(['succeeded']);
    }
    expect(await sum('caisson_pool_hits_total')).toBe(3);
  });

  it('run what was accepted although Redis forgets it', async () => {
    for (const worker of [...workers]) await lose(worker, 'SIGTERM');
    const { id } = await submit(api.admin, '@text remembered', { projectId: 'forgotten' });
    await until(() => inRedis(async (redis) => (await redis.exists(`caisson:executions:${id}`)) === 1));
    await inRedis((redis) => redis.flushall());
    await anew();
    expect(await endsOf(api.admin, [id])).toEqual(['succeeded']);
  });

  it('refuse with 503 while Redis is away, end what runs, and go on when it is back', async () => {
    const { id } = await submit(api.admin, bash('sleep 2'), { projectId: 'away' });
    await running(api.admin, id);
    await cluster.redis.service.end('SIGKILL');
    await until(async () => (await fetch(`${api.url}/health/ready`)).status === 503);
    const refused = await api.admin.call('POST', '/api/executions', {
      action: 'generate',
      prompt: '@text no',
    });
    expect([refused.status, refused.body.error?.code]).toEqual([503, 'E012']);
    expect(await endsOf(api.admin, [id])).toEqual(['succeeded']);
    await cluster.redis.service.start();
    await until(async () => (await fetch(`${api.url}/health/ready`)).status === 200);
    const next = await submit(api.admin, '@text back', { projectId: 'away' });
    expect(await endsOf(api.admin, [next.id])).toEqual(['succeeded']);
  });
});
