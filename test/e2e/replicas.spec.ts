/** What callers of one api replica see of what was done through another. */
import { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/processes.js';
import type { ServerProcess } from '../support/server-process.js';

const LIMIT = 200;

describe('two api replicas', () => {
  let cluster: Cluster;
  let api: ServerProcess;
  let other: ServerProcess;
  beforeAll(async () => {
    cluster = await startCluster({ TRUST_PROXY: '1' });
    // One creates the schema, the others find it.
    api = await cluster.start('api', { RATE_LIMIT_REQUESTS: String(LIMIT) });
    [other] = await Promise.all([
      cluster.start('api', { RATE_LIMIT_REQUESTS: String(LIMIT) }),
      cluster.start('worker'),
    ]);
  });
  afterAll(() => cluster.stop());

  const keyOf = async (userId: string) => {
    const { body } = await api.admin.call<{ id: string; secret: string }>('POST', '/api/keys', {
      userId,
      name: 'test',
      scopes: ['run', 'read'],
    });
    return body;
  };

  it('show every event of any worker, in order and without a hole, while it happens', async () => {
    const { secret } = await keyOf('reader');
    const [here, there] = [new Client(api.url, secret), new Client(other.url, secret)];
    const { id } = await here.submit({
      action: 'generate',
      prompt: '@deltas 40 every 30ms of "{n} "\n@text end',
    });
    const all = await Promise.all([here.history(id), there.history(id), there.history(id, 3)]);
    const numbers = all.map((items) => items.map(({ seq }) => seq));
    const last = numbers[0]?.length ?? 0;
    expect(last).toBeGreaterThan(20);
    expect(numbers[0]).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    expect(numbers[1]).toEqual(numbers[0]);
    expect(numbers[2]).toEqual(numbers[0]?.slice(3));
  });

  it('end the streams and sockets of a key that was revoked through the other one', async () => {
    const { id: keyId, secret } = await keyOf('leaver');
    const there = new Client(other.url, secret);
    const { id } = await there.submit({ action: 'generate', prompt: '@text Working.\n@hang' });
    const stream = await fetch(`${other.url}/api/executions/${id}/events`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    const streamed = stream.text().catch(() => 'cut');
    const socket = await there.socket();
    const told = new Promise((resolve) => socket.once('claude-code-error', resolve));
    const closed = new Promise((resolve) => socket.once('disconnect', resolve));
    await api.admin.call('DELETE', `/api/keys/${keyId}`);
    expect(await told).toMatchObject({ error: { code: 'E007' } });
    await closed;
    expect(await streamed).toBe('cut');
    there.close();
    await api.admin.call('POST', `/api/executions/${id}/cancel`);
  });

  it('count the calls of an address once', async () => {
    const call = async (server: ServerProcess) =>
      (await fetch(`${server.url}/api/commands`, { headers: { 'x-forwarded-for': '203.0.113.7' } })).status;
    const statuses: number[] = [];
    for (let each = 0; each < LIMIT + 20; each += 1) statuses.push(await call(each % 2 === 0 ? api : other));
    expect(statuses.filter((status) => status === 401)).toHaveLength(LIMIT);
    expect(statuses.slice(LIMIT)).toEqual(Array.from({ length: 20 }, () => 429));
  });

  it('go on streaming from the database while Redis is away', async () => {
    const { secret } = await keyOf('patient');
    const [here, there] = [new Client(api.url, secret), new Client(other.url, secret)];
    const { id } = await here.submit({
      action: 'generate',
      prompt: '@deltas 100 every 50ms of "{n} "\n@text end',
    });
    const reading = there.history(id);
    await until(async () => (await here.execution(id)).status === 'running');
    await cluster.redis.service.end('SIGKILL');
    const numbers = (await reading).map(({ seq }) => seq);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
    expect(numbers.length).toBeGreaterThan(20);
    await cluster.redis.service.start();
  });
});
