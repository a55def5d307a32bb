/** The first schema: executions with their events, keys, audit, workspaces. Never edited; changes are new migrations. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('executions')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('userId', 'text', (c) => c.notNull())
    .addColumn('projectId', 'text', (c) => c.notNull())
    .addColumn('keyId', 'text', (c) => c.notNull())
    .addColumn('requestId', 'text', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('access', 'text', (c) => c.notNull())
    .addColumn('engine', 'text', (c) => c.notNull())
    .addColumn('model', 'text', (c) => c.notNull())
    .addColumn('request', 'text', (c) => c.notNull())
    .addColumn('idempotencyKey', 'text')
    .addColumn('requestHash', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('attempt', 'integer', (c) => c.notNull())
    .addColumn('lastSeq', 'integer', (c) => c.notNull())
    .addColumn('createdAt', 'bigint', (c) => c.notNull())
    .addColumn('startedAt', 'bigint')
    .addColumn('endedAt', 'bigint')
    .addColumn('errorCode', 'text')
    .addColumn('response', 'text')
    .addUniqueConstraint('executionsIdempotency', ['userId', 'idempotencyKey'])
    .execute();
  // Lists go newest first within one user (ids are time-ordered); a restart looks for what has not ended.
  await db.schema.createIndex('executionsByUser').on('executions').columns(['userId', 'id']).execute();
  await db.schema.createIndex('executionsByStatus').on('executions').columns(['status', 'id']).execute();
  await db.schema.createIndex('executionsByEnd').on('executions').column('endedAt').execute();

  await db.schema
    .createTable('events')
    .addColumn('executionId', 'text', (c) => c.notNull().references('executions.id').onDelete('cascade'))
    .addColumn('seq', 'integer', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('data', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('eventsKey', ['executionId', 'seq'])
    .execute();

  await db.schema
    .createTable('changes')
    .addColumn('executionId', 'text', (c) => c.primaryKey().references('executions.id').onDelete('cascade'))
    .addColumn('body', 'text', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('usage')
    .addColumn('executionId', 'text', (c) => c.notNull())
    .addColumn('model', 'text', (c) => c.notNull())
    .addColumn('userId', 'text', (c) => c.notNull())
    .addColumn('projectId', 'text', (c) => c.notNull())
    .addColumn('day', 'text', (c) => c.notNull())
    .addColumn('inputTokens', 'bigint', (c) => c.notNull())
    .addColumn('outputTokens', 'bigint', (c) => c.notNull())
    .addColumn('cacheCreationTokens', 'bigint', (c) => c.notNull())
    .addColumn('cacheReadTokens', 'bigint', (c) => c.notNull())
    .addColumn('costUsd', 'double precision')
    .addPrimaryKeyConstraint('usageKey', ['executionId', 'model'])
    .execute();
  await db.schema.createIndex('usageByDay').on('usage').columns(['day', 'userId']).execute();

  await db.schema
    .createTable('apiKeys')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('userId', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('prefix', 'text', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull().unique())
    .addColumn('scopes', 'text', (c) => c.notNull())
    .addColumn('createdAt', 'bigint', (c) => c.notNull())
    .addColumn('revokedAt', 'bigint')
    .execute();

  await db.schema
    .createTable('audit')
    .addColumn('id', 'bigint', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('entry', 'text', (c) => c.notNull())
    .addColumn('userId', 'text')
    .addColumn('hash', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('auditByUser').on('audit').columns(['userId', 'id']).execute();

  await db.schema
    .createTable('workspaces')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('userId', 'text', (c) => c.notNull())
    .addColumn('projectId', 'text', (c) => c.notNull())
    .addColumn('createdAt', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('workspacesOwner', ['userId', 'projectId'])
    .execute();

  await db.schema
    .createTable('sandboxUids')
    .addColumn('userId', 'text', (c) => c.primaryKey())
    .addColumn('uid', 'bigint', (c) => c.notNull().unique())
    .execute();
}
