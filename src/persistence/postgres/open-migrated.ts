/** PostgreSQL as the server gets it: new enough, reachable, and brought to this version's schema. */
import { sql } from 'kysely';
import { type Config, InvalidConfigError } from '../../config/config.js';
import { Database } from '../database.js';
import { migrate } from '../migrator.js';
import { LikeSqlite } from './like-sqlite.js';
import { openPostgres } from './open-postgres.js';

/** `server_version_num` of the oldest that is tested against, and still maintained. */
const OLDEST = 140_000;
/** SQLSTATEs of what only a person can mend: wrong user or password, no such database, no right to it or to make tables. */
const WRONG = /^(28...|3D000|42501)$/;

/** @throws InvalidConfigError when DATABASE_URL is wrong; StorageShortage when nothing answers there */
export async function openMigratedPostgres({ values }: Config): Promise<Database> {
  // Its own pool: a migration may take longer than any statement of a call, and so may waiting for another replica's.
  const migrating = new Database(openPostgres(values, true));
  try {
    await checkVersion(migrating);
    await migrate(migrating, new LikeSqlite());
  } catch (error) {
    throw explained(error);
  } finally {
    await migrating.destroy();
  }
  return new Database(openPostgres(values));
}

async function checkVersion(database: Database): Promise<void> {
  const { rows } = await sql<{ version: string }>`
    select current_setting('server_version_num') as version`.execute(database);
  const version = Number(rows[0]?.version);
  if (version < OLDEST)
    throw new InvalidConfigError(
      `DATABASE_URL: PostgreSQL ${Math.floor(version / 10_000)} is too old; 14 or later is needed`,
    );
}

function explained(error: unknown): unknown {
  // The migrator wraps what goes wrong in it.
  const { code, message } = ((error as Error).cause ?? error) as Error & { code?: unknown };
  return typeof code === 'string' && WRONG.test(code)
    ? new InvalidConfigError(`DATABASE_URL: ${message}`)
    : error;
}
