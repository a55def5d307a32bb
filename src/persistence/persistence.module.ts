/** Opens the database, brings it to this version's schema, and closes it after everybody else has stopped. */
import { Global, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Config } from '../config/config.js';
import { ownFile } from './data-directory.js';
import { Database } from './database.js';
import { migrate } from './migrator.js';
import { DirectoryLock } from './sqlite/directory-lock.js';
import { openSqlite } from './sqlite/node-sqlite.js';

/** @param config tells which, and where; SQLite's data directory is made when missing */
export async function openDatabase(config: Config): Promise<Database> {
  if (config.values.DATABASE_URL !== undefined) {
    // Loaded by those only who have it: two megabytes.
    const { openMigratedPostgres } = await import('./postgres/open-migrated.js');
    return openMigratedPostgres(config);
  }
  const database = new Database(openSqlite(ownFile(config, 'caisson.db')));
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

const DATABASE_LOCK = Symbol('DatabaseLock');

@Global()
@Module({
  providers: [
    // Named after the configuration only to be there before the database is opened.
    { provide: Database, useFactory: openDatabase, inject: [Config, DirectoryLock, DATABASE_LOCK] },
    {
      provide: DATABASE_LOCK,
      useFactory: async (config: Config) => {
        // SQLite's database is in the directory that is locked already.
        if (config.values.DATABASE_URL === undefined) return undefined;
        const { DatabaseLock } = await import('./postgres/database-lock.js');
        return DatabaseLock.take(config);
      },
      inject: [Config],
    },
    DatabaseCloser,
    DirectoryLock,
  ],
  exports: [Database],
})
export class PersistenceModule {}
