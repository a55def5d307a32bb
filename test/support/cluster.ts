/** Several processes of the product on one Redis and one PostgreSQL, as a user would run them on several machines. */
import { rm } from 'node:fs/promises';

import { join } from 'node:path';
import type { ExecutionView } from '../../src/execution/execution.dto.js';
import { temporaryDirectory } from './temporary-directory.js';
import type { Client } from './client.js';
import { until } from './processes.js';
import { buildServer, killServers, type ServerProcess, startServer } from './server-process.js';
import { type PostgresService, startPostgres } from './services/postgres.js';
import { type RedisService, startRedis } from './services/redis.js';

/** Milliseconds that an execution may take on a machine that has other things to do. */
const END_TIMEOUT = 60_000;
/** Milliseconds: short, so that a test does not wait long for a worker to be given up. */
export const LEASE_MS = 2000;

export interface Cluster {
  postgres: PostgresService;
  redis: RedisService;
  databaseUrl: string;
  start(role: 'api' | 'worker', settings?: NodeJS.ProcessEnv): Promise<ServerProcess>;
  stop(): Promise<void>;
}

export async function startCluster(settings: NodeJS.ProcessEnv = {}): Promise<Cluster> {
  buildServer();
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  const directory = await temporaryDirectory();
  const databaseUrl = await postgres.createDatabase();
  let started = 0;
  return {
    postgres,
    redis,
    databaseUrl,
    start: (role, more = {}) =>
      startServer(join(directory, `${role}-${(started += 1)}`), {
        CAISSON_ROLE: role,
        DATABASE_URL: databaseUrl,
        REDIS_URL: redis.url,
        CLAUDE_CODE_WORKSPACE: join(directory, 'workspaces'),
        WORKSPACE_STORAGE: 'shared',
        PROCESS_LEASE_MS: String(LEASE_MS),
        ...settings,
        ...more,
      }),
    async stop() {
      await killServers();
      await Promise.all([postgres.service.remove(), redis.service.remove()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** How each ended: its status, and the code of its error if it has one. */
export async function endsOf(client: Client, ids: readonly string[]): Promise<string[]> {
  return Promise.all(ids.map(async (id) => endOf(await ended(client, id))));
}

/** Asked again and again, not followed: what a test kills may be what it would follow. */
export async function ended(client: Client, id: string): Promise<ExecutionView> {
  let execution = await client.execution(id);
  await until(async () => {
    execution = await client.execution(id).catch(() => execution);
    return execution.response !== undefined;
  }, END_TIMEOUT);
  return execution;
}

const endOf = ({ status, response }: ExecutionView): string =>
  [status, response?.error?.code].filter((part) => part !== undefined).join(' ');
