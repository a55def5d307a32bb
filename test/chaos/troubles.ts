/** What goes wrong in a chaos run: each trouble is made, and is over again when it returns. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Cluster } from '../support/cluster.js';
import type { ServerProcess } from '../support/server-process.js';

/** The processes of a run; a trouble replaces what it ends. */
export interface Crew {
  cluster: Cluster;
  apis: ServerProcess[];
  workers: ServerProcess[];
  startApi(port: string): Promise<ServerProcess>;
  startWorker(): Promise<ServerProcess>;
}

export type Trouble = (crew: Crew, random: () => number) => Promise<void>;

const pick = <T>(from: readonly T[], random: () => number): T => {
  const found = from[Math.floor(random() * from.length)];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
};

const endWorker =
  (signal: 'SIGKILL' | 'SIGTERM'): Trouble =>
  async (crew, random) => {
    const worker = pick(crew.workers, random);
    worker.signal(signal);
    await worker.exited;
    crew.workers[crew.workers.indexOf(worker)] = await crew.startWorker();
  };

const endApi =
  (signal: 'SIGKILL' | 'SIGTERM'): Trouble =>
  async (crew, random) => {
    const api = pick(crew.apis, random);
    api.signal(signal);
    await api.exited;
    crew.apis[crew.apis.indexOf(api)] = await crew.startApi(new URL(api.url).port);
  };

/** Held for so long that the others give it up, or shorter. */
const holdWorker: Trouble = async (crew, random) => {
  const worker = pick(crew.workers, random);
  worker.signal('SIGSTOP');
  await delay(500 + random() * 6000);
  worker.signal('SIGCONT');
};

const restartRedis: Trouble = async ({ cluster }) => {
  await cluster.redis.service.end('SIGKILL');
  await cluster.redis.service.start();
};

const holdRedis: Trouble = async ({ cluster }, random) => {
  cluster.redis.service.signal('SIGSTOP');
  await delay(random() * 4000);
  cluster.redis.service.signal('SIGCONT');
};

/** SIGINT: it cuts everybody off and ends properly. SIGQUIT: as if its machine had died. */
const restartPostgres: Trouble = async ({ cluster }, random) => {
  await cluster.postgres.service.end(random() < 0.5 ? 'SIGINT' : 'SIGQUIT');
  await cluster.postgres.service.start();
};

const cutPostgres: Trouble = async ({ cluster }) => {
  const client = new pg.Client(cluster.databaseUrl);
  await client.connect();
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
  );
  await client.end();
};

const cutRedis: Trouble = async ({ cluster }) => {
  const redis = new Redis(cluster.redis.url);
  await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  redis.disconnect();
};

export const TROUBLES: Readonly<Record<string, Trouble>> = {
  'worker killed': endWorker('SIGKILL'),
  'worker held': holdWorker,
  'Redis killed': restartRedis,
  'api killed': endApi('SIGKILL'),
  'PostgreSQL restarted': restartPostgres,
  'worker stopped': endWorker('SIGTERM'),
  'connections to Redis cut': cutRedis,
  'api stopped': endApi('SIGTERM'),
  'connections to PostgreSQL cut': cutPostgres,
  'Redis held': holdRedis,
};
