/** docs/OPERATIONS.md, "Backup and restore", done: a server that works is copied, and another one goes on from the copy. */
import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/temporary-directory.js';
import type { Client } from '../support/client.js';
import { buildServer, killServers, startServer } from '../support/server-process.js';
import { type PostgresService, startPostgres } from '../support/services/postgres.js';

const run = promisify(execFile);

const write = (name: string, then = '') => ({
  action: 'generate' as const,
  prompt: `@tool Bash ${JSON.stringify({ command: `echo ${name} >${name}.txt${then}` })}\n@text Wrote ${name}.`,
  metadata: { projectId: 'kept' },
});

describe('a backup of a running server', () => {
  let directory: string;
  let postgres: PostgresService | undefined;
  beforeAll(buildServer);
  beforeEach(async () => (directory = await temporaryDirectory()));
  afterEach(async () => {
    await killServers();
    await postgres?.service.remove();
    postgres = undefined;
    await rm(directory, { recursive: true, force: true });
  });

  /** First the database, then the files: what a row names is in the files, however long the copy takes. */
  const databases = {
    async SQLite() {
      const backup = join(directory, 'backup.db');
      return {
        settings: {},
        backUp: async (data: string) => {
          const args = [resolve('dist/main.js'), 'backup', backup];
          await run(process.execPath, args, { env: { PATH: process.env.PATH, CAISSON_DATA: data } });
        },
        restore: async (data: string) => {
          await run('cp', [backup, join(data, 'caisson.db')]);
          return {};
        },
      };
    },
    async PostgreSQL() {
      const service = (postgres = await startPostgres());
      const url = await service.createDatabase();
      const dump = join(directory, 'backup.dump');
      return {
        settings: { DATABASE_URL: url },
        backUp: async () => {
          await run('pg_dump', ['--format=custom', `--file=${dump}`, url]);
        },
        restore: async () => {
          const restored = await service.createDatabase();
          await run('pg_restore', ['--no-owner', `--dbname=${restored}`, dump]);
          return { DATABASE_URL: restored };
        },
      };
    },
  };

  it.each(['SQLite', 'PostgreSQL'] as const)(
    'can be gone on from: executions, events, files, snapshots, keys and the audit (%s)',
    async (kind) => {
      const { settings, backUp, restore } = await databases[kind]();
      const server = await startServer(join(directory, 'old'), settings);
      const done = await server.admin.ended((await server.admin.submit(write('one'))).id);
      const events = await server.admin.history(done.id);
      const busy = await server.admin.submit(write('two', '; sleep 300'));
      await server.admin.firstEvent(busy.id, 'agent.tool_use');

      const data = join(directory, 'old', 'data');
      const archive = join(directory, 'files.tar');
      await backUp(data);
      await run('tar', [
        ...['--create', '--file', archive, '--directory', data, '--numeric-owner'],
        ...['workspaces', 'snapshots'],
      ]);
      // After the backup: what is lost with it, and must not confuse what is not.
      await server.admin.call('PUT', '/api/projects/kept/files/late.txt', 'late');
      server.signal('SIGKILL');
      await server.exited;

      const restored = join(directory, 'new', 'data');
      await mkdir(restored, { recursive: true, mode: 0o711 });
      const newSettings = await restore(restored);
      await run('tar', [
        ...['--extract', '--file', archive, '--directory', restored],
        ...['--numeric-owner', '--same-permissions'],
      ]);
      const { admin } = await startServer(join(directory, 'new'), newSettings);

      expect(await admin.execution(done.id)).toEqual(done);
      expect(await admin.history(done.id)).toEqual(events);
      expect((await admin.get('/api/audit?verify=true')).body).toMatchObject({ valid: true });
      // What ran at that moment has lost its process, like after any death of the server.
      expect((await admin.ended(busy.id)).response?.error?.code).toBe('E014');
      expect(await fileOf(admin, 'one.txt')).toEqual([200, 'one\n']);
      expect((await fileOf(admin, 'late.txt'))[0]).toBe(404);
      await expectUndone(admin, done.id);
      expect((await admin.run(write('three'))).body).toMatchObject({ success: true });
      expect(await fileOf(admin, 'three.txt')).toEqual([200, 'three\n']);
    },
    120_000,
  );

  const fileOf = async (client: Client, name: string): Promise<[number, unknown]> => {
    const { status, body } = await client.get<unknown>(`/api/projects/kept/files/${name}`);
    return [status, body];
  };

  /** The contents that snapshots name are there: what the execution wrote can be taken back. */
  const expectUndone = async (client: Client, id: string): Promise<void> => {
    const { status } = await client.call('POST', `/api/executions/${id}/revert`);
    expect([status, (await fileOf(client, 'one.txt'))[0]]).toEqual([200, 404]);
  };
});
