/** Keeps a database for one server, or for those that share it over Redis: any other would take what runs for lost, and end it. */
import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { type Config, InvalidConfigError } from '../../config/config.js';
import { KEEPALIVE_MS } from './open-postgres.js';
import { toldOf } from './told.js';

/** Milliseconds that a server which is just ending gets, so that a restart in place succeeds. */
const PATIENCE_MS = 5000;
const RETRY_MS = 500;
/** lock_not_available. */
const HELD = '55P03';

/**
 * A lock of a session of its own, exclusive without Redis, shared with it. PostgreSQL gives it back when the session is gone;
 * one whose host has gone is missed after half a minute.
 */
export class DatabaseLock implements OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly closing = new AbortController();
  private holder?: pg.Client;
  private retaking?: Promise<void>;

  private constructor(
    private readonly config: Config,
    private readonly stop: () => void,
    private readonly patience: number,
  ) {}

  /**
   * @param stop called when the lock was lost and another server has it now; by default as by SIGTERM
   * @param patience milliseconds that a server which is ending gets
   * @throws InvalidConfigError when servers have the database that this one cannot share it with
   */
  static async take(
    config: Config,
    stop: () => void = () => process.kill(process.pid, 'SIGTERM'),
    patience = PATIENCE_MS,
  ): Promise<DatabaseLock> {
    const lock = new DatabaseLock(config, stop, patience);
    await lock.connect();
    return lock;
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing.abort();
    await this.retaking;
    await this.holder?.end();
  }

  private async connect(): Promise<void> {
    const { DATABASE_URL, DATABASE_CONNECT_TIMEOUT_MS } = this.config.values;
    const client = new pg.Client({
      connectionString: DATABASE_URL,
      application_name: 'caisson lock',
      connectionTimeoutMillis: DATABASE_CONNECT_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_MS,
      lock_timeout: this.patience,
      // A server that is stopped keeps no limit.
      query_timeout: this.patience + DATABASE_CONNECT_TIMEOUT_MS,
    });
    client.on('error', () => undefined); // `end` follows
    client.on('end', () => {
      if (client === this.holder) this.lost();
    });
    try {
      await client.connect();
      await client.query(
        'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3',
      );
      const kind = this.config.shared ? '_shared' : '';
      await client.query(`select pg_advisory_lock${kind}(hashtextextended('server', 0))`);
    } catch (error) {
      await client.end().catch(() => undefined); // what failed is thrown
      if ((error as { code?: unknown }).code !== HELD) throw toldOf(error);
      throw new InvalidConfigError(
        'DATABASE_URL: another server is running on this database; to share it, all of them need REDIS_URL',
      );
    }
    this.holder = client;
  }

  private lost(): void {
    this.holder = undefined;
    if (!this.closing.signal.aborted) this.retaking = this.retake();
  }

  private async retake(): Promise<void> {
    this.logger.warn('the lock on the database was lost with its connection; taking it again');
    while (!this.closing.signal.aborted) {
      try {
        return await this.connect();
      } catch (error) {
        if (error instanceof InvalidConfigError) {
          this.logger.fatal(`${error.message}; this one stops`);
          return this.stop();
        }
      }
      await delay(RETRY_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
    }
  }
}
