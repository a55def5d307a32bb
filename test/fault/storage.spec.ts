/** A database that refuses, as a full disk would: nothing is told that was not stored, and no end is lost. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { descendantsOf, gone, until } from '../support/processes.js';
import { buildServer, killServers, type ServerProcess, startServer } from '../support/server-process.js';

describe('a database that refuses', () => {
  let directory: string;
  let server: ServerProcess;
  beforeAll(async () => {
    buildServer();
    directory = await temporaryDirectory();
    server = await startServer(directory);
  });
  afterAll(async () => {
    await killServers();
    await rm(directory, { recursive: true });
  });

  /** Refuses until the function it answers is called. */
  const refuse = (what: string): (() => void) => {
    const database = new DatabaseSync(join(directory, 'data', 'caisson.db'), { timeout: 5000 });
    database.exec(`CREATE TRIGGER refusing BEFORE ${what} BEGIN SELECT RAISE(ABORT, 'no space'); END`);
    return () => {
      database.exec('DROP TRIGGER refusing');
      database.close();
    };
  };

  it("[D50] a database that refuses an agent's event ends the execution with E099: nobody is told what is not stored", async () => {
    const again = refuse(`INSERT ON events WHEN NEW.type = 'agent.text'`);
    const { id } = await server.admin.submit({ action: 'generate', prompt: '@text Lost.\n@hang' });
    const events = await server.admin.history(id);
    again();
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ type }) => type)).not.toContain('agent.text');
    expect(events.at(-1)).toMatchObject({
      type: 'execution.finished',
      data: { status: 'failed', response: { error: { code: 'E099' } } },
    });
    await gone(() => descendantsOf(server.pid));
  });

  it.each([
    ['the start', 'UPDATE OF attempt ON executions', 'cannot claim'],
    ['the end', 'UPDATE OF endedAt ON executions', 'the end could not be written'],
    [
      'the audit of the end',
      `INSERT ON audit WHEN NEW.entry LIKE '%execution.ended%'`,
      'the end could not be written',
    ],
  ])(
    '[D51] a database that refuses is asked again until it takes it: %s of an execution',
    async (_, what, complaint) => {
      const before = server.output().length;
      const again = refuse(what);
      const { id } = await server.admin.submit({ action: 'generate', prompt: '@text Kept.' });
      await until(() => server.output().slice(before).split(complaint).length > 2);
      expect((await server.admin.execution(id)).response).toBeUndefined();
      again();
      expect(await server.admin.ended(id)).toMatchObject({
        status: 'succeeded',
        attempt: 1,
        response: { result: { text: 'Kept.' } },
      });
      const events = await server.admin.history(id);
      expect(events.filter(({ type }) => type === 'execution.finished')).toHaveLength(1);
    },
  );
});
