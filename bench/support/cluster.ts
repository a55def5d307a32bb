/** The scaled-out form: api and worker processes of the product on a Redis and a PostgreSQL of the benchmark's own. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import pg from 'pg';
import { type PostgresService, hasPostgres, startPostgres } from '../../test/support/services/postgres.ts';
import { type RedisService, startRedis } from '../../test/support/services/redis.ts';
import type { Ground } from './row.ts';
import { type Server, startServer } from './server.ts';

/** Why there can be no cluster on this machine; undefined when there can. */
export function withoutServices(): string | undefined {
  const missing = [...(!hasPostgres() ? ['PostgreSQL'] : []), ...(isInPath('redis-server') ? [] : ['Redis'])];
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not installed`;
}

function isInPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

let count = 0;

/** PostgreSQL keeps what it has committed, as in earnest: SQLite, which it is compared with, does so too. */
export async function startCluster(ground: Ground): Promise<Cluster> {
  await using begun = new AsyncDisposableStack();
  const postgres = begun.adopt(await startPostgres('on'), ({ service }) => service.remove());
  const redis = begun.adopt(await startRedis(), ({ service }) => service.remove());
  const databaseUrl = await postgres.createDatabase();
  const database = begun.adopt(new pg.Pool({ connectionString: databaseUrl, max: 2 }), (pool) => pool.end());
  count += 1;
  return new Cluster(ground, {
    postgres,
    redis,
    database,
    settings: {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redis.url,
      CLAUDE_CODE_WORKSPACE: join(ground.directory, `workspaces-${count}`),
      WORKSPACE_STORAGE: 'shared',
    },
    services: begun.move(),
  });
}

interface Parts {
  postgres: PostgresService;
  redis: RedisService;
  database: pg.Pool;
  settings: NodeJS.ProcessEnv;
  services: AsyncDisposableStack;
}

export class Cluster implements AsyncDisposable {
  private readonly ground: Ground;
  private readonly parts: Parts;

  constructor(ground: Ground, parts: Parts) {
    this.ground = ground;
    this.parts = parts;
  }

  get redisUrl(): string {
    return this.parts.redis.url;
  }

  /** A process of the product; whoever starts it ends it. */
  start(role: 'api' | 'worker', settings: NodeJS.ProcessEnv = {}): Promise<Server> {
    return startServer(this.ground, { ...this.parts.settings, CAISSON_ROLE: role, ...settings });
  }

  /** Asks the database itself. */
  async query<T extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.parts.database.query<T>(text, [...values])).rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.services.disposeAsync();
  }
}
