/** The pool as Kysely sees it: its errors are told apart, a lost connection is not given back, a commit has one outcome. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';
import { StorageShortage } from '../../errors/shortage.js';
import { isLost, toldOf } from './told.js';

/** Milliseconds in which a commit whose answer was lost is asked after: a database that is started again is back by then. */
const ASK_FOR_MS = 30_000;
const ASK_EVERY_MS = 100;
/** `pg_xact_status` of a number that the server has not given yet: it crashed before it kept anything of the transaction. */
const FORGOTTEN = '22023';

/** Hears of an outage: what went wrong, and that it is over. */
export interface Outages {
  lost(reason: string): void;
  found(): void;
}

export class ToldPool implements PostgresPool {
  readonly options = {};

  constructor(
    private readonly pool: pg.Pool,
    private readonly outages: Outages,
  ) {
    // Without a listener, a connection that dies while somebody has it, and asks nothing, would end the process.
    pool.on('connect', (client) => client.on('error', (error) => outages.lost(error.message)));
    pool.on('error', (error) => outages.lost(error.message));
  }

  /** @throws StorageShortage when none can be had in time */
  async connect(): Promise<PostgresPoolClient> {
    try {
      const client = await this.pool.connect();
      this.outages.found();
      return new Borrowed(client, (xid) => this.wasCommitted(xid));
    } catch (error) {
      this.outages.lost((error as Error).message);
      throw toldOf(error);
    }
  }

  end(): Promise<void> {
    return this.pool.end();
  }

  /** @throws StorageShortage when the database does not come back in time */
  private async wasCommitted(xid: string): Promise<boolean> {
    const giveUp = performance.now() + ASK_FOR_MS;
    for (;;) {
      try {
        const { rows } = await this.pool.query<{ status: string | null }>(
          'select pg_xact_status($1::xid8) as status',
          [xid],
        );
        const status = rows[0]?.status;
        if (status !== 'in progress') return status === 'committed';
      } catch (error) {
        if ((error as { code?: unknown }).code === FORGOTTEN) return false;
        const told = toldOf(error);
        if (!(told instanceof StorageShortage) || performance.now() > giveUp) throw told;
      }
      await delay(ASK_EVERY_MS);
    }
  }
}

class Borrowed implements PostgresPoolClient {
  private lost?: Error;

  constructor(
    private readonly client: pg.PoolClient,
    private readonly wasCommitted: (xid: string) => Promise<boolean>,
  ) {}

  query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(
    sql: string | PostgresCursor<R>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof sql !== 'string') throw new Error('nothing here reads by cursor');
    return sql === 'commit' ? this.commit<R>() : this.ask<R>(sql, parameters);
  }

  release(destroy = false): void {
    this.client.release(destroy || this.lost !== undefined);
  }

  private async ask<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    // What follows on a lost connection (a rollback) would only wait for its own time limit.
    if (this.lost !== undefined) throw this.lost;
    try {
      return (await this.client.query(sql, [...parameters])) as unknown as PostgresQueryResult<R>;
    } catch (error) {
      const told = toldOf(error);
      if (isLost(error)) this.lost = told;
      throw told;
    }
  }

  /**
   * When the connection goes while the server commits, nobody has said whether it did. Whoever then writes again would write
   * some things twice; so the server is asked, by the number of the transaction: one round trip more for each.
   */
  private async commit<R>(): Promise<PostgresQueryResult<R>> {
    const { rows } = await this.ask<{ xid: string | null }>(
      'select pg_current_xact_id_if_assigned()::text as xid',
      [],
    );
    const xid = rows[0]?.xid ?? undefined;
    try {
      return await this.ask<R>('commit', []);
    } catch (error) {
      if (this.lost === undefined || xid === undefined || !(await this.wasCommitted(xid))) throw error;
      return { command: 'COMMIT', rowCount: 0, rows: [] };
    }
  }
}
