/** Which directory is whose: an opaque name per user and project, and, as root, a host uid that nobody else has. */
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Membership } from '../cluster/membership.js';
import { presentProcesses } from '../cluster/present.js';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { Database, type Queryable } from '../persistence/database.js';
import { WaitingRoom } from './waiting-room.js';

export interface RegisteredWorkspace {
  /** Opaque: the kernel shows it inside the sandbox. */
  id: string;
  userId: string;
  projectId: string;
  /** Host uid of its sandboxes; undefined when the server is not root and has but its own. */
  uid?: number;
}

/** Seconds: somebody has to give the server a larger range. */
const RETRY_AFTER = 3600;

const asRoot = () => process.getuid?.() === 0;
const newId = () => randomBytes(16).toString('hex');

@Injectable()
export class WorkspaceRegistry {
  /** Workspaces that wait for their owner. */
  readonly waiting = new WaitingRoom();

  constructor(
    private readonly database: Database,
    private readonly config: Config,
    /** This process among several. */
    private readonly membership: Membership,
  ) {}

  async find(userId: string, projectId: string): Promise<RegisteredWorkspace | undefined> {
    const row = await select(this.database, userId, projectId);
    return row && this.registered(row);
  }

  /** Its name alone. */
  async idOf(userId: string, projectId: string): Promise<string | undefined> {
    return (await select(this.database, userId, projectId))?.id;
  }

  async findById(id: string): Promise<RegisteredWorkspace | undefined> {
    const row = await this.database
      .selectFrom('workspaces')
      .select(['id', 'userId', 'projectId', 'uid'])
      .where('id', '=', id)
      .executeTakeFirst();
    return row && this.registered(row);
  }

  /** A new project is given a workspace that waits for its owner, if there is one. @throws ClaudeCodeError E012 when every uid of the range is taken */
  async findOrCreate(userId: string, projectId: string): Promise<RegisteredWorkspace> {
    const known = await this.find(userId, projectId);
    if (known !== undefined) return known;
    await this.adopt(userId, projectId);
    await this.database.transaction().execute(async (transaction) => {
      await this.database.serialize(transaction, `workspace ${userId}/${projectId}`);
      await transaction
        .insertInto('workspaces')
        .values({ id: newId(), userId, projectId, createdAt: Date.now(), uid: null })
        .onConflict((conflict) => conflict.columns(['userId', 'projectId']).doNothing())
        .execute();
    });
    const made = await this.find(userId, projectId);
    if (made === undefined) throw new Error('a workspace that was just registered is gone');
    return made;
  }

  /**
   * A workspace that nobody owns, with a uid that nobody has. Undefined when half of the range is used: the rest is for
   * users.
   */
  async reserve(): Promise<{ id: string; uid?: number } | undefined> {
    const { SANDBOX_UID_BASE: base, SANDBOX_UID_COUNT: count } = this.config.values;
    return this.database.transaction().execute(async (transaction) => {
      const uid = asRoot() ? await this.nextUid(transaction) : undefined;
      if (uid !== undefined && uid >= base + count / 2) return undefined;
      const id = newId();
      await transaction
        .insertInto('waitingWorkspaces')
        .values({ id, uid: uid ?? null, createdAt: Date.now(), processId: this.membership.id ?? null })
        .execute();
      return uid === undefined ? { id } : { id, uid };
    });
  }

  async release(id: string): Promise<void> {
    await this.database.deleteFrom('waitingWorkspaces').where('id', '=', id).execute();
  }

  /** Gives up all that waits with a process that is there no more; answers their names. */
  async sweep(): Promise<string[]> {
    const rows = await this.database
      .deleteFrom('waitingWorkspaces')
      .where((eb) =>
        eb.or([eb('processId', 'is', null), eb('processId', 'not in', presentProcesses(this.database))]),
      )
      .returning('id')
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Makes one that waits this project's, unless somebody else has made the project meanwhile. */
  private async adopt(userId: string, projectId: string): Promise<void> {
    const place = this.waiting.next();
    if (place === undefined) return;
    const adopted = await this.database.transaction().execute(async (transaction) => {
      await this.database.serialize(transaction, `workspace ${userId}/${projectId}`);
      if ((await select(transaction, userId, projectId)) !== undefined) return false;
      const row = await transaction
        .deleteFrom('waitingWorkspaces')
        .where('id', '=', place.id)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return false;
      await transaction
        .insertInto('workspaces')
        .values({ id: row.id, userId, projectId, createdAt: Date.now(), uid: row.uid })
        .execute();
      return true;
    });
    if (adopted) place.taken();
    else this.waiting.offer(place);
  }

  private async registered({ uid, ...row }: RegisteredRow): Promise<RegisteredWorkspace> {
    if (!asRoot()) return row;
    return { ...row, uid: uid ?? (await this.uidOfUser(row.userId)) };
  }

  /** The user's uid, given on first sight and never to anybody else. */
  private async uidOfUser(userId: string): Promise<number> {
    return this.database.transaction().execute(async (transaction) => {
      await this.database.serialize(transaction, 'uids');
      const known = await uidOf(transaction, userId);
      if (known !== undefined) return known;
      const uid = await this.nextUid(transaction);
      await transaction.insertInto('sandboxUids').values({ userId, uid }).execute();
      return uid;
    });
  }

  private async nextUid(transaction: Queryable): Promise<number> {
    await this.database.serialize(transaction, 'uids');
    const { SANDBOX_UID_BASE: base, SANDBOX_UID_COUNT: count } = this.config.values;
    const taken = await Promise.all(
      (['sandboxUids', 'workspaces', 'waitingWorkspaces'] as const).map((table) =>
        lastUid(transaction, table),
      ),
    );
    // The first of the range is the probe's.
    const next = Math.max(base, ...taken) + 1;
    if (next >= base + count)
      throw new ClaudeCodeError('E012', 'no more users can be served', {
        retryAfter: RETRY_AFTER,
        cause: new Error(`SANDBOX_UID_COUNT (${count}) is used up`),
      });
    return next;
  }
}

type RegisteredRow = Omit<RegisteredWorkspace, 'uid'> & { uid: number | null };

const select = (database: Queryable, userId: string, projectId: string): Promise<RegisteredRow | undefined> =>
  database
    .selectFrom('workspaces')
    .select(['id', 'userId', 'projectId', 'uid'])
    .where('userId', '=', userId)
    .where('projectId', '=', projectId)
    .executeTakeFirst();

async function lastUid(
  database: Queryable,
  table: 'sandboxUids' | 'workspaces' | 'waitingWorkspaces',
): Promise<number> {
  const { last } = await database
    .selectFrom(table)
    .select((row) => row.fn.max<number | null>('uid').as('last'))
    .executeTakeFirstOrThrow();
  return last ?? 0;
}

async function uidOf(database: Queryable, userId: string): Promise<number | undefined> {
  const row = await database
    .selectFrom('sandboxUids')
    .select('uid')
    .where('userId', '=', userId)
    .executeTakeFirst();
  return row?.uid;
}
