/** Answers that are kept to be given again, by what was asked and what the command could see. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('answers')
    .addColumn('question', 'text', (c) => c.notNull())
    .addColumn('content', 'text', (c) => c.notNull())
    .addColumn('workspaceId', 'text')
    .addColumn('treeBefore', 'text')
    .addColumn('treeAfter', 'text')
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('bytes', 'bigint', (c) => c.notNull())
    .addColumn('createdAt', 'bigint', (c) => c.notNull())
    .addColumn('usedAt', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('answersByQuestion', ['question', 'content'])
    .execute();
  // What was not used for longest goes first, and what all take is summed up, without reading a body.
  await db.schema.createIndex('answersByUse').on('answers').columns(['usedAt', 'bytes']).execute();
  await db.schema.createIndex('answersByAge').on('answers').column('createdAt').execute();
  await db.schema
    .createIndex('answersByWorkspace')
    .on('answers')
    .columns(['workspaceId', 'treeBefore', 'treeAfter'])
    .where('workspaceId', 'is not', null)
    .execute();
}
