/** Copies the SQLite database into a file while a server works with it: the copy is one moment of it, whole. */
import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Config, InvalidConfigError } from '../../config/config.js';
import { told } from './told.js';

/** It holds prompts, answers and hashes of keys, as the original does. */
const OWNER_ONLY = 0o600;

/**
 * `VACUUM INTO` reads in one transaction, which in WAL mode holds up no writer.
 * @param file must not exist
 * @throws InvalidConfigError when the database is not SQLite
 */
export function backUp(config: Config, file: string): void {
  if (config.values.DATABASE_URL !== undefined)
    throw new InvalidConfigError('DATABASE_URL: back PostgreSQL up with its own pg_dump');
  const database = new DatabaseSync(join(config.dataDirectory, 'caisson.db'), { readOnly: true });
  const copy = openSync(file, 'wx', OWNER_ONLY);
  try {
    told(() => database.prepare('VACUUM INTO ?').run(file));
    fsyncSync(copy);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(copy);
    database.close();
  }
}
