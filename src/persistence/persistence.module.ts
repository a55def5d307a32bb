/** Opens the database, brings it to this version's schema, and closes it after everybody else has stopped. */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { Global, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database } from './database.js';
import { migrate } from './migrator.js';
import { DirectoryLock } from './sqlite/directory-lock.js';
import { sqliteDialect } from './sqlite/node-sqlite.js';

/** Passable, for the sandboxes' uids on their way to their workspaces, but not listable; the umask has no say in it. */
const PASSABLE = 0o711;
const OWNER_ONLY = 0o600;

/** @param config tells where the data directory is; it is made when missing */
export async function openDatabase(config: Config): Promise<Database> {
  const made = mkdirSync(config.dataDirectory, { recursive: true });
  if (made !== undefined) chmodSync(config.dataDirectory, PASSABLE);
  const file = join(config.dataDirectory, 'caisson.db');
  // SQLite gives its journal the mode of the database.
  closeSync(openSync(file, 'a', OWNER_ONLY));
  const database = new Database({ dialect: sqliteDialect(file) });
  await migrate(database);
  return database;
}

@Injectable()
class DatabaseCloser implements OnApplicationShutdown {
  constructor(private readonly database: Database) {}

  async onApplicationShutdown(): Promise<void> {
    await this.database.destroy();
  }
}

@Global()
@Module({
  providers: [
    // Named after the configuration only to be there before the database is opened.
    { provide: Database, useFactory: openDatabase, inject: [Config, DirectoryLock] },
    DatabaseCloser,
    DirectoryLock,
  ],
  exports: [Database],
})
export class PersistenceModule {}
