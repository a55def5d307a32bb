/**
 * The lease of several processes: a row for each who uses a workspace, which holds for as long as its process is there. Every
 * decision is one short transaction under the workspace's lock; whoever has to wait asks again.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { Membership } from '../cluster/membership.js';
import { presentProcesses } from '../cluster/present.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import type { Database, Queryable } from '../persistence/database.js';
import { patiently } from '../persistence/patiently.js';
import { NOW } from '../persistence/postgres/sql.js';
import { type Guard, WorkspaceLease, type Writes } from './workspace-lease.js';

type LeaseKind = 'shared' | 'changing' | 'writing' | 'exclusive';

/** Milliseconds between two questions, growing: what is waited for takes a sandbox's start, or seconds. */
const FIRST_PAUSE = 20;
const LAST_PAUSE = 200;
/** Milliseconds: what an operation of the housekeeper may take. */
const PATIENCE = 120_000;
/** Seconds. */
const RETRY_AFTER = 5;

export class DatabaseLease extends WorkspaceLease {
  readonly #logger = new Logger(DatabaseLease.name);
  /** Rows that should be gone: tried again with each sign of life. */
  readonly #unreleased = new Map<string, string>();
  #losing = new AbortController();

  constructor(
    private readonly database: Database,
    private readonly membership: Pick<Membership, 'id' | 'events'>,
    private readonly patience = PATIENCE,
  ) {
    super();
    membership.events.on('beat', () => this.#releaseLate());
    membership.events.on('lost', () => {
      this.#losing.abort(busy('This process was given up for lost.'));
      this.#losing = new AbortController();
    });
  }

  override get lost(): AbortSignal {
    return this.#losing.signal;
  }

  shared<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    return this.#hold('shared', workspaceId, work);
  }

  changing<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    return this.#hold('changing', workspaceId, work);
  }

  writing<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    return this.#hold('writing', workspaceId, work);
  }

  exclusive<T>(workspaceId: string, work: (holds: Guard) => Promise<T>): Promise<T> {
    return this.#hold('exclusive', workspaceId, work);
  }

  async writes(workspaceId: string): Promise<Writes> {
    // One statement, one moment: a row goes and the number grows together. Rows of the lost count until they are cleared away.
    const { writes, writers, changing } = await this.database
      .selectNoFrom((row) => [
        row.selectFrom('workspaces').select('writes').where('id', '=', workspaceId).$asScalar().as('writes'),
        ofKinds(row, workspaceId, ['writing']).as('writers'),
        ofKinds(row, workspaceId, ['changing', 'exclusive']).as('changing'),
      ])
      .executeTakeFirstOrThrow();
    return { span: String(writes), writers: Number(writers), changing: Number(changing) };
  }

  async #hold<T>(kind: LeaseKind, workspaceId: string, work: (holds: Guard) => Promise<T>): Promise<T> {
    const id = uuidv7();
    const end = performance.now() + this.patience;
    try {
      await this.#poll(end, () => this.#enter(id, kind, workspaceId));
      // Those who came later wait by now; these were there before.
      if (kind === 'exclusive') await this.#poll(end, () => this.#isAlone(id, workspaceId));
      return await work((db) => this.#holds(db, id, workspaceId));
    } finally {
      // Also when it is not known whether it was taken: the answer may have been lost.
      await this.#release(id, workspaceId);
    }
  }

  async #poll(end: number, ask: () => Promise<boolean>): Promise<void> {
    for (let wait = FIRST_PAUSE; !(await ask()); wait = Math.min(2 * wait, LAST_PAUSE)) {
      if (performance.now() > end) throw busy('The workspace is in use; try again in a moment.');
      await pause(wait);
    }
  }

  /** Takes the row, unless somebody is alone there. */
  #enter(id: string, kind: LeaseKind, workspaceId: string): Promise<boolean> {
    return this.#deciding(workspaceId, async (db, processId) => {
      const alone = await db
        .selectFrom('leases')
        .select('id')
        .where('workspaceId', '=', workspaceId)
        .where('kind', '=', 'exclusive')
        .executeTakeFirst();
      if (alone !== undefined) return false;
      await db.insertInto('leases').values({ id, workspaceId, kind, processId, createdAt: NOW }).execute();
      return true;
    });
  }

  #isAlone(id: string, workspaceId: string): Promise<boolean> {
    return this.#deciding(workspaceId, async (db) => {
      const rows = await db
        .selectFrom('leases')
        .select(['id', 'kind'])
        .where('workspaceId', '=', workspaceId)
        .execute();
      if (!rows.some((row) => row.id === id)) throw busy('This process was given up for lost.');
      return rows.every((row) => row.id === id || row.kind === 'writing');
    });
  }

  /** Whoever takes the row of one that was lost does it under the same lock: he waits until this is committed. */
  async #holds(db: Queryable, id: string, workspaceId: string): Promise<boolean> {
    await this.database.serialize(db, lockOf(workspaceId));
    const row = await db.selectFrom('leases').select('processId').where('id', '=', id).executeTakeFirst();
    return row !== undefined && (await isThere(db, row.processId));
  }

  /** One at a time per workspace, on the rows of processes that are there. */
  #deciding<T>(workspaceId: string, decide: (db: Queryable, processId: string) => Promise<T>): Promise<T> {
    return this.database.transaction().execute(async (db) => {
      await this.database.serialize(db, lockOf(workspaceId));
      const { id: processId } = this.membership;
      if (processId === undefined || !(await isThere(db, processId)))
        throw busy('This process is not known to the others; try again in a moment.');
      await this.#clear(db, workspaceId);
      return decide(db, processId);
    });
  }

  /** Takes the rows of the lost away; who knows what they have written. */
  async #clear(db: Queryable, workspaceId: string): Promise<void> {
    const gone = await db
      .deleteFrom('leases')
      .where('workspaceId', '=', workspaceId)
      .where('processId', 'not in', presentProcesses(db))
      .returning('kind')
      .execute();
    if (gone.some(({ kind }) => kind !== 'shared')) await countWrite(db, workspaceId);
  }

  async #release(id: string, workspaceId: string): Promise<void> {
    try {
      await patiently(() => this.#remove(id, workspaceId));
      this.#unreleased.delete(id);
    } catch (error) {
      this.#unreleased.set(id, workspaceId);
      this.#logger.warn({ msg: 'a lease is given back later', workspaceId, err: error });
    }
  }

  async #remove(id: string, workspaceId: string): Promise<void> {
    await this.database.transaction().execute(async (db) => {
      const row = await db.deleteFrom('leases').where('id', '=', id).returning('kind').executeTakeFirst();
      if (row !== undefined && row.kind !== 'shared') await countWrite(db, workspaceId);
    });
  }

  async #releaseLate(): Promise<void> {
    for (const [id, workspaceId] of [...this.#unreleased]) await this.#release(id, workspaceId);
  }
}

const lockOf = (workspaceId: string) => `lease ${workspaceId}`;

const busy = (message: string) => new ClaudeCodeError('E012', message, { retryAfter: RETRY_AFTER });

const ofKinds = (row: Pick<Queryable, 'selectFrom'>, workspaceId: string, kinds: LeaseKind[]) =>
  row
    .selectFrom('leases')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('workspaceId', '=', workspaceId)
    .where('kind', 'in', kinds);

async function isThere(db: Queryable, processId: string): Promise<boolean> {
  const row = await presentProcesses(db).where('id', '=', processId).executeTakeFirst();
  return row !== undefined;
}

async function countWrite(db: Queryable, workspaceId: string): Promise<void> {
  await db
    .updateTable('workspaces')
    .set({ writes: sql<number>`"writes" + 1` })
    .where('id', '=', workspaceId)
    .execute();
}
