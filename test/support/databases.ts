/** The same tests on both engines, each with a database of its own. */
import { rm } from 'node:fs/promises';
import { describeWhere } from './cases.js';
import { temporaryDirectory } from './temporary-directory.js';
import { hasPostgres, type PostgresService, startPostgres } from './services/postgres.js';

export const NEEDS_POSTGRES = 'needs PostgreSQL';

export interface Engine {
  name: 'SQLite' | 'PostgreSQL';
  /** Settings that lead to a database which is new, and nobody else's. */
  settings(): Promise<NodeJS.ProcessEnv>;
}

/** `describe` on SQLite, and on PostgreSQL where it is installed: one instance for all tests of the block. */
export function describeOnEachDatabase(name: string, tests: (engine: Engine) => void): void {
  describe(`${name}, on SQLite`, () => tests(engineOf('SQLite', () => Promise.resolve({}))));
  describeOnPostgres(`${name}, on PostgreSQL`, (postgres) =>
    tests(engineOf('PostgreSQL', async () => ({ DATABASE_URL: await postgres().createDatabase() }))),
  );
}

function engineOf(name: Engine['name'], more: () => Promise<NodeJS.ProcessEnv>): Engine {
  const directories: string[] = [];
  afterAll(() => Promise.all(directories.map((path) => rm(path, { recursive: true, force: true }))));
  return {
    name,
    async settings() {
      const directory = await temporaryDirectory();
      directories.push(directory);
      return { CAISSON_DATA: `${directory}/data`, ...(await more()) };
    },
  };
}

/** `describe` with a PostgreSQL of its own, where it is installed. */
export function describeOnPostgres(name: string, tests: (postgres: () => PostgresService) => void): void {
  describeWhere(hasPostgres(), NEEDS_POSTGRES)(name, () => {
    let postgres: PostgresService;
    beforeAll(async () => {
      postgres = await startPostgres();
    });
    // What the tests close must still be there: hooks of an inner block run before those of an outer one.
    afterAll(() => postgres.service.remove());
    describe('with a server of its own', () => tests(() => postgres));
  });
}
