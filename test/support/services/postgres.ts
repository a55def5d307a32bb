/** A PostgreSQL of one's own: one instance serves many tests, each with a database that nobody else has. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { type Account, freePort, ownDirectory, Service } from './process.ts';

const run = promisify(execFile);

export interface PostgresService {
  service: Service;
  /** The URL of a new, empty database. */
  createDatabase(): Promise<string>;
}

/** Where Debian puts the server's programs. */
const VERSIONS = '/usr/lib/postgresql';

const newest = (): string | undefined =>
  globSync(`${VERSIONS}/*/bin/postgres`)
    .sort((a, b) => Number(a.split('/').at(-3)) - Number(b.split('/').at(-3)))
    .at(-1);

export const hasPostgres = (): boolean => newest() !== undefined;

/**
 * @param fsync `on` as in earnest, or `off`: a machine that loses power during a test has other troubles
 * @throws Error when it is not installed
 */
export async function startPostgres(fsync: 'on' | 'off' = 'off'): Promise<PostgresService> {
  const program = newest();
  if (program === undefined) throw new Error('PostgreSQL is not installed');
  const programs = dirname(program);
  const account = process.getuid?.() === 0 ? await accountOf('postgres') : undefined;
  const directory = await ownDirectory('postgres', account);
  const data = join(directory, 'data');
  const admin = 'postgres';
  await run(
    join(programs, 'initdb'),
    ['--pgdata', data, '--username', admin, '--auth', 'trust', '--encoding', 'UTF8', '--no-sync'],
    { cwd: directory, ...account },
  );
  const port = await freePort();
  const urlOf = (database: string) => `postgres://${admin}@127.0.0.1:${port}/${database}`;
  const settings = [
    `fsync=${fsync}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${directory}`,
    'max_connections=200',
  ];
  const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const service = new Service(
    join(programs, 'postgres'),
    args,
    () => answers(urlOf(admin)),
    directory,
    account,
    'SIGQUIT',
  );
  await service.start();
  return {
    service,
    async createDatabase() {
      const name = `caisson_${randomBytes(6).toString('hex')}`;
      const client = new pg.Client(urlOf(admin));
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return urlOf(name);
    },
  };
}

async function accountOf(name: string): Promise<Account> {
  const idOf = async (kind: string) => Number((await run('id', [kind, name])).stdout);
  return { uid: await idOf('-u'), gid: await idOf('-g') };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
