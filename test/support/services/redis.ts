/** A Redis of one's own. */
import { spawnSync } from 'node:child_process';
import { Redis } from 'ioredis';
import { freePort, ownDirectory, Service } from './process.ts';

export interface RedisService {
  url: string;
  service: Service;
}

export const hasRedis = (): boolean => spawnSync('redis-server', ['--version']).status === 0;

/** Keeps nothing on disk: what is killed has lost all it knew. */
export async function startRedis(options: readonly string[] = []): Promise<RedisService> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    ...options,
  ];
  const service = new Service('redis-server', args, () => answers(url), await ownDirectory('redis'));
  await service.start();
  return { url, service };
}

async function answers(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.ping();
    return true;
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}
