import { rm } from 'node:fs/promises';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { Redis } from 'ioredis';
import { SharedCounters } from '../../src/access/shared-counters.js';
import { WindowCounters } from '../../src/access/window-counters.js';
import { RedisConnections } from '../../src/redis/redis-connections.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/processes.js';
import { redisConfig } from '../support/replicas.js';
import { type RedisService, startRedis } from '../support/services/redis.js';

let directory: string;
let redis: RedisService;
let replicas: RedisConnections[];
let count = 0;
/** Nobody else's. */
const caller = () => `ip:${(count += 1)}`;

beforeAll(async () => {
  directory = await temporaryDirectory();
  redis = await startRedis();
  const config = redisConfig(directory, redis.url);
  replicas = [new RedisConnections(config, Redis), new RedisConnections(config, Redis)];
  await Promise.all(replicas.map((each) => each.onModuleInit()));
});
afterAll(async () => {
  for (const each of replicas) each.onApplicationShutdown();
  await redis.service.remove();
  await rm(directory, { recursive: true });
});
const shared = () => replicas.map((each) => new SharedCounters(each));

const STORAGES: [string, () => ThrottlerStorage[]][] = [
  ['in one process', () => [new WindowCounters()]],
  ['in Redis, by two replicas', shared],
];

describe.each(STORAGES)('calls counted %s', (_name, storages) => {
  /** Asks one storage after the other. */
  const counting = (windowMs: number, limit: number, blockMs = windowMs) => {
    const [key, all] = [caller(), storages()];
    let turn = 0;
    return () => {
      const storage = all[(turn += 1) % all.length];
      if (storage === undefined) throw new Error('there is a storage');
      return storage.increment(key, windowMs, limit, blockMs, 'ip');
    };
  };

  it('are let pass up to the limit, and not one more', async () => {
    const call = counting(60_000, 3);
    const hits = [await call(), await call(), await call()];
    expect(hits.map(({ totalHits, isBlocked }) => [totalHits, isBlocked])).toEqual([
      [1, false],
      [2, false],
      [3, false],
    ]);
    for (const { timeToExpire } of hits) expect(timeToExpire).toBe(60);
    expect(await call()).toMatchObject({ totalHits: 4, isBlocked: true, timeToBlockExpire: 60 });
    // Nor does it count on: who is refused does not get further away.
    expect(await call()).toMatchObject({ totalHits: 4, isBlocked: true });
  });

  it('are let pass up to the limit when they come at once', async () => {
    const call = counting(60_000, 50);
    const hits = await Promise.all(Array.from({ length: 120 }, () => call()));
    expect(hits.filter(({ isBlocked }) => !isBlocked)).toHaveLength(50);
  });

  it('begin anew when the window is over, to the millisecond and not to the second', async () => {
    const call = counting(250, 5);
    await call();
    await until(async () => (await call()).totalHits === 1);
  });

  it('are refused for as long as the block lasts, from the call that passed the limit on', async () => {
    const call = counting(60_000, 1, 300);
    await call();
    const from = performance.now();
    expect(await call()).toMatchObject({ isBlocked: true, timeToBlockExpire: 1 });
    await until(async () => !(await call()).isBlocked);
    expect(performance.now() - from).toBeGreaterThan(290);
  });

  it('of one caller are not those of another', async () => {
    await counting(60_000, 1)();
    expect(await counting(60_000, 1)()).toMatchObject({ totalHits: 1, isBlocked: false });
  });
});

describe('calls counted in Redis, while that is away', () => {
  const call = (storage: ThrottlerStorage, key: string) => storage.increment(key, 60_000, 2, 60_000, 'ip');

  it('are counted by each replica for itself, and together again when it is back', async () => {
    const [key, counters] = [caller(), shared()];
    const each = () => Promise.all(counters.map((storage) => call(storage, key)));
    await redis.service.end('SIGKILL');
    await each();
    expect((await each()).map(({ totalHits }) => totalHits)).toEqual([2, 2]);
    expect((await each()).map(({ isBlocked }) => isBlocked)).toEqual([true, true]);
    await redis.service.start();
    await until(() => replicas.every(({ commands }) => commands.status === 'ready'));
    expect((await each()).map(({ totalHits }) => totalHits).sort()).toEqual([1, 2]);
  });

  it('are not held up by one that stands still', async () => {
    const [key, [storage]] = [caller(), shared()];
    if (storage === undefined) throw new Error('there is a storage');
    redis.service.signal('SIGSTOP');
    const from = performance.now();
    expect(await call(storage, key)).toMatchObject({ totalHits: 1 });
    // REDIS_TIMEOUT_MS are 500 here; after the first nobody waits at all.
    await until(() => replicas[0]?.commands.status !== 'ready');
    expect(await call(storage, key)).toMatchObject({ totalHits: 2 });
    expect(performance.now() - from).toBeLessThan(3000);
    redis.service.signal('SIGCONT');
    await until(() => replicas.every(({ commands }) => commands.status === 'ready'));
  });
});
