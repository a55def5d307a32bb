/** Where the audit chain begins and ends, so that entries missing at either end are found too. */
import type { Kysely } from 'kysely';

const GENESIS = '0'.repeat(64);

export async function up(
  db: Kysely<{ auditAnchors: { name: string; entryId: number; hash: string } }>,
): Promise<void> {
  await db.schema
    .createTable('auditAnchors')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('entryId', 'bigint', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .execute();
  await db
    .insertInto('auditAnchors')
    .values([
      { name: 'base', entryId: 0, hash: GENESIS },
      { name: 'head', entryId: 0, hash: GENESIS },
    ])
    .execute();
}
