/** Executions have a priority. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('executions')
    .addColumn('priority', 'text', (c) => c.notNull().defaultTo('interactive'))
    .execute();
}
