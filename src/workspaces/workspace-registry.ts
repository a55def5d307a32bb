/** Which directory is whose: an opaque name per user and project, and, as root, one host uid per user. */
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { Database, type Queryable } from '../persistence/database.js';

export interface RegisteredWorkspace {
  /** Opaque: the kernel shows it inside the sandbox. */
  id: string;
  userId: string;
  projectId: string;
  /** Host uid of the user's sandboxes; undefined when the server is not root and has but its own. */
  uid?: number;
}

/** Seconds: somebody has to give the server a larger range. */
const RETRY_AFTER = 3600;

@Injectable()
export class WorkspaceRegistry {
  constructor(
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  async find(userId: string, projectId: string): Promise<RegisteredWorkspace | undefined> {
    const row = await select(this.database, userId, projectId);
    return row && { ...row, ...(await this.identity(userId)) };
  }

  /** @throws ClaudeCodeError E012 when every uid of the range is taken */
  async findOrCreate(userId: string, projectId: string): Promise<RegisteredWorkspace> {
    await this.database
      .insertInto('workspaces')
      .values({ id: randomBytes(16).toString('hex'), userId, projectId, createdAt: Date.now() })
      .onConflict((conflict) => conflict.columns(['userId', 'projectId']).doNothing())
      .execute();
    const row = await select(this.database, userId, projectId);
    if (row === undefined) throw new Error('a workspace that was just registered is gone');
    return { ...row, ...(await this.identity(userId)) };
  }

  /** The user's uid, given on first sight and never to anybody else. */
  private async identity(userId: string): Promise<{ uid?: number }> {
    if (process.getuid?.() !== 0) return {};
    const { SANDBOX_UID_BASE: base, SANDBOX_UID_COUNT: count } = this.config.values;
    const uid = await this.database.transaction().execute(async (transaction) => {
      const known = await uidOf(transaction, userId);
      if (known !== undefined) return known;
      const { last } = await transaction
        .selectFrom('sandboxUids')
        .select((row) => row.fn.max<number | null>('uid').as('last'))
        .executeTakeFirstOrThrow();
      // The first of the range is the probe's.
      const next = Math.max(base, last ?? 0) + 1;
      if (next >= base + count)
        throw new ClaudeCodeError('E012', 'no more users can be served', {
          retryAfter: RETRY_AFTER,
          cause: new Error(`SANDBOX_UID_COUNT (${count}) is used up`),
        });
      await transaction.insertInto('sandboxUids').values({ userId, uid: next }).execute();
      return next;
    });
    return { uid };
  }
}

const select = (database: Queryable, userId: string, projectId: string) =>
  database
    .selectFrom('workspaces')
    .select(['id', 'userId', 'projectId'])
    .where('userId', '=', userId)
    .where('projectId', '=', projectId)
    .executeTakeFirst();

async function uidOf(database: Queryable, userId: string): Promise<number | undefined> {
  const row = await database
    .selectFrom('sandboxUids')
    .select('uid')
    .where('userId', '=', userId)
    .executeTakeFirst();
  return row?.uid;
}
