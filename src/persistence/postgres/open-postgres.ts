/** Opens PostgreSQL: a pool with its limits, whose connections are found again without anybody's doing. */
import { Logger } from '@nestjs/common';
import { PostgresDialect } from 'kysely';
import pg from 'pg';
import type { SettingValues } from '../../config/settings.js';
import type { OpenedDatabase } from '../database.js';
import { advisoryLock } from './sql.js';
import { type Outages, ToldPool } from './told-pool.js';

/**
 * Milliseconds beyond the server's own limit after which a statement is given up together with its connection: a server that
 * is stopped, or whose host is gone, keeps no limit.
 */
const SILENCE_MS = 2000;
/** Milliseconds of silence after which the kernel begins to ask whether the other side is still there. */
export const KEEPALIVE_MS = 10_000;

/** int8: epoch milliseconds, counts and byte sizes, all below 2^53; the driver would answer text. */
const INT8 = 20;
const types = new pg.TypeOverrides();
types.setTypeParser(INT8, Number);

export type PostgresSettings = Pick<
  SettingValues,
  'DATABASE_URL' | 'DATABASE_POOL_SIZE' | 'DATABASE_STATEMENT_TIMEOUT_MS' | 'DATABASE_CONNECT_TIMEOUT_MS'
>;

/** @param unlimited for what may take longer than any statement of a call: migrations, and waiting for those of others */
export function openPostgres(settings: PostgresSettings, unlimited = false): OpenedDatabase {
  const limit = settings.DATABASE_STATEMENT_TIMEOUT_MS;
  const pool = new pg.Pool({
    connectionString: settings.DATABASE_URL,
    application_name: 'caisson',
    max: settings.DATABASE_POOL_SIZE,
    // For a free connection, too.
    connectionTimeoutMillis: settings.DATABASE_CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    types,
    ...(unlimited
      ? {}
      : {
          statement_timeout: limit,
          // A transaction of a process that is held up must not hold up the others.
          idle_in_transaction_session_timeout: limit,
          query_timeout: limit + SILENCE_MS,
        }),
  });
  return {
    dialect: new PostgresDialect({ pool: new ToldPool(pool, new LoggedOutages()) }),
    serialize: advisoryLock,
  };
}

/** Said once for an outage, not for each connection and each call. */
class LoggedOutages implements Outages {
  private readonly logger = new Logger('Database');
  private away = false;

  lost(reason: string): void {
    if (!this.away) this.logger.error({ msg: 'a connection to the database was lost or refused', reason });
    this.away = true;
  }

  found(): void {
    if (this.away) this.logger.log({ msg: 'the database is back' });
    this.away = false;
  }
}
