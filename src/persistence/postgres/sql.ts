/** What only PostgreSQL can say, for the parts that only run on it: the clock and the locks that all processes share. */
import { sql } from 'kysely';
import type { Queryable } from '../database.js';

/** Epoch milliseconds by the clock of the database: those of the workers may differ. */
export const NOW = sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`;

/** Waits for the lock of this name, and holds it to the end of the transaction. */
export async function advisoryLock(db: Queryable, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(db);
}
