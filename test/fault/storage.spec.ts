/** A database that refuses: nothing is told that was not stored, and no end is lost. */
import { sql } from 'kysely';
import { Database } from '../../src/persistence/database.js';
import { Log } from '../../src/logging/log.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { descendantsOf, until } from '../support/processes.js';

describe('a database that refuses', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson();
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => caisson.clear());

  /** Refuses until the function it answers is called. */
  const refuse = async (what: string): Promise<() => Promise<unknown>> => {
    const database = caisson.app.get(Database);
    await sql`CREATE TRIGGER refusing BEFORE ${sql.raw(what)} BEGIN SELECT RAISE(ABORT, 'no space'); END`.execute(
      database,
    );
    return () => sql`DROP TRIGGER refusing`.execute(database);
  };

  it("an agent's event ends the execution with E099: nobody is told what is not stored", async () => {
    const again = await refuse(`INSERT ON events WHEN NEW.type = 'agent.text'`);
    const { id } = await caisson.admin.submit({ action: 'generate', prompt: '@text Lost.\n@hang' });
    const events = await caisson.admin.history(id);
    await again();
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ type }) => type)).not.toContain('agent.text');
    expect(events.at(-1)).toMatchObject({
      type: 'execution.finished',
      data: { status: 'failed', response: { error: { code: 'E099' } } },
    });
    expect(await descendantsOf(process.pid)).toEqual([]);
  });

  it.each([
    ['the start', 'UPDATE OF attempt ON executions', 'cannot claim'],
    ['the end', 'UPDATE OF endedAt ON executions', 'the end could not be written'],
    [
      'the audit of the end',
      `INSERT ON audit WHEN NEW.entry LIKE '%execution.ended%'`,
      'the end could not be written',
    ],
  ])('%s of an execution is asked again until it takes it', async (_, what, complaint) => {
    const error = jest.spyOn(caisson.app.get(Log), 'error');
    const complaints = () => error.mock.calls.filter(([entry]) => JSON.stringify(entry).includes(complaint));
    const again = await refuse(what);
    const { id } = await caisson.admin.submit({ action: 'generate', prompt: '@text Kept.' });
    await until(() => complaints().length >= 2, 30_000);
    expect((await caisson.admin.execution(id)).response).toBeUndefined();
    await again();
    expect(await caisson.admin.ended(id)).toMatchObject({
      status: 'succeeded',
      attempt: 1,
      response: { result: { text: 'Kept.' } },
    });
    const events = await caisson.admin.history(id);
    expect(events.filter(({ type }) => type === 'execution.finished')).toHaveLength(1);
  });
});
