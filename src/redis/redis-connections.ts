/** The connections to Redis: made when they are first asked for, found again for ever when they are lost, closed last. */
import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Redis, RedisOptions } from 'ioredis';
import { type Config } from '../config/config.js';

/** Milliseconds between two attempts to connect: doubled up to the longest, with as much again by chance. */
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2000;
/** Milliseconds of silence after which the kernel asks whether the other side is there: what waits for an offer asks nothing. */
const KEEPALIVE_MS = 10_000;

export class RedisConnections implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Redis');
  private readonly opened = new Set<Redis>();
  /** Those that are lost: an outage begins with the first and ends with the last. */
  private readonly away = new Set<Redis>();
  private readonly complaints = new Set<string>();
  private closing = false;
  private shared?: Redis;

  /** @param Client is there where REDIS_URL is */
  constructor(
    private readonly config: Config,
    private readonly Client?: typeof Redis,
  ) {}

  /** For commands of anybody, none of which may block. While Redis is away each is refused, at the latest after REDIS_TIMEOUT_MS. */
  get commands(): Redis {
    return (this.shared ??= this.open('commands'));
  }

  /**
   * A connection of one's own. Without options it is one that fails fast: it keeps no command for later, and is given up
   * for dead when it does not answer within REDIS_TIMEOUT_MS, as one does whose host is gone or whose Redis is stopped.
   * @param purpose is seen in Redis's CLIENT LIST
   */
  open(purpose: string, options: RedisOptions = {}): Redis {
    const { Client } = this;
    const { REDIS_URL, REDIS_TIMEOUT_MS } = this.config.values;
    if (REDIS_URL === undefined || Client === undefined) throw new Error('REDIS_URL is not set');
    return this.keep(
      new Client(REDIS_URL, {
        connectionName: `caisson:${purpose}`,
        connectTimeout: REDIS_TIMEOUT_MS,
        commandTimeout: REDIS_TIMEOUT_MS,
        socketTimeout: REDIS_TIMEOUT_MS,
        keepAlive: KEEPALIVE_MS,
        enableOfflineQueue: false,
        maxRetriesPerRequest: 0,
        autoResendUnfulfilledCommands: false,
        retryStrategy: (times) => {
          const delay = Math.min(FIRST_RETRY_MS * 2 ** (times - 1), LONGEST_RETRY_MS);
          return delay * (1 + Math.random());
        },
        // After a failover the old master still answers, but takes no writes.
        reconnectOnError: (error) => error.message.startsWith('READONLY'),
        ...options,
      }),
    );
  }

  async onModuleInit(): Promise<void> {
    if (this.config.shared) await this.ready(this.commands);
  }

  /** Waits for a connection that was just opened, but not for a Redis that is away: the server starts without it. */
  async ready(connection: Redis): Promise<void> {
    if (connection.status === 'ready') return;
    const signal = AbortSignal.timeout(this.config.values.REDIS_TIMEOUT_MS);
    await new Promise<void>((resolve) => {
      const done = () => {
        connection.off('ready', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      connection.once('ready', done);
      signal.addEventListener('abort', done);
    });
  }

  /**
   * For what goes on without Redis when a command fails. Said is only what Redis itself refuses (a rule of its ACL, no
   * memory), once; what failed with its connection was said when that was lost.
   */
  complain(error: unknown): void {
    if (!(error instanceof Error) || error.name !== 'ReplyError' || this.complaints.has(error.message))
      return;
    this.complaints.add(error.message);
    this.logger.error({ msg: 'Redis refuses a command', reason: error.message });
  }

  onApplicationShutdown(): void {
    this.closing = true;
    for (const connection of this.opened) connection.disconnect();
  }

  private keep(connection: Redis): Redis {
    this.opened.add(connection);
    connection.on('error', (error) => this.lost(connection, error.message));
    connection.on('close', () => this.lost(connection, 'the connection was closed'));
    connection.on('ready', () => this.found(connection));
    connection.on('end', () => {
      this.opened.delete(connection);
      this.away.delete(connection);
    });
    // Libraries that are given a connection make more of it: those are closed with the others.
    const duplicate = connection.duplicate.bind(connection);
    connection.duplicate = (override?: RedisOptions) => this.keep(duplicate(override));
    return connection;
  }

  /** Said once for an outage, not for each attempt of each connection. */
  private lost(connection: Redis, reason: string): void {
    if (this.closing) return;
    if (this.away.size === 0) this.logger.error({ msg: 'Redis is away', reason });
    this.away.add(connection);
  }

  private found(connection: Redis): void {
    if (this.away.delete(connection) && this.away.size === 0) this.logger.log({ msg: 'Redis is back' });
  }
}
