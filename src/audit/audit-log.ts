/** The audit log: entries are appended to one hash chain, in the transaction of what they record. */
import { Injectable } from '@nestjs/common';
import type { Page, PageQuery } from '../access/page.js';
import { Config } from '../config/config.js';
import { lineRedactor } from '../redaction/redact-line.js';
import { chunks } from '../persistence/chunks.js';
import { Database, type Queryable } from '../persistence/database.js';
import { type AuditEntry, canonical } from './audit-entry.js';
import { type ChainRow, follows, type Link, linkHash } from './chain.js';

/**
 * What a check of the chain found. It finds every edit, removal and move of rows, at the ends too. What it cannot find
 * is a database rewritten as a whole, hashes and anchors included: for that, keep `head` somewhere else and compare.
 */
export interface Verification {
  valid: boolean;
  /** Entries that were found in order. */
  entries: number;
  /** Id of the first entry that is not as it was written, or is missing. */
  brokenAt?: number;
  /** Id and hash of the last entry: whoever notes it elsewhere can prove later what was there. */
  head: Link;
}

export type StoredAuditEntry = AuditEntry & Link & { at: number };

export interface AuditFilter extends PageQuery {
  /** Epoch milliseconds, inclusive. */
  from?: number;
  /** Epoch milliseconds, exclusive. */
  to?: number;
}

/** Rows read at a time: bounds memory, and lets others use the connection in between. */
const PAGE = 500;

const MAX_ACTION_CHARS = 512;

@Injectable()
export class AuditLog {
  private readonly redact: (text: string) => string;

  constructor(
    private readonly database: Database,
    config: Config,
  ) {
    this.redact = lineRedactor(config.secrets);
  }

  /**
   * @param db the caller's transaction, with which the entry is committed or not; by default one of its own
   * @throws whatever the database throws: the caller refuses what cannot be recorded
   */
  async append(entry: AuditEntry | readonly AuditEntry[], db?: Queryable): Promise<void> {
    if (db === undefined) return this.database.transaction().execute((own) => this.append(entry, own));
    await this.database.serialize(db, 'audit');
    const at = Date.now();
    let head = await this.anchor('head', db);
    const rows = [entry].flat().map((one) => {
      // A path is what the caller wrote: it may hold a key, and be as long as Node's header limit (16 KiB).
      const action = this.redact(one.action).slice(0, MAX_ACTION_CHARS).toWellFormed();
      const text = canonical({ ...one, action, at });
      head = { id: head.id + 1, hash: linkHash(head.hash, text) };
      return { ...head, at, entry: text, userId: one.userId ?? null };
    });
    for await (const some of chunks(rows)) await db.insertInto('audit').values(some).execute();
    await this.moveAnchor('head', head, db);
  }

  /** Newest first. @param userId whose entries; undefined = everybody's */
  async list({ limit, cursor, from, to }: AuditFilter, userId?: string): Promise<Page<StoredAuditEntry>> {
    const after = cursor === undefined ? undefined : await this.placeOf(Number(cursor));
    const rows = await this.database
      .selectFrom('audit')
      .select(['id', 'entry', 'hash'])
      .$if(userId !== undefined, (query) => query.where('userId', '=', userId ?? null))
      .$if(after !== undefined, (query) =>
        query
          // Says no more than the next line; but it is what an index understands.
          .where('at', '<=', after?.at ?? 0)
          .where((eb) => eb.or([eb('at', '<', after?.at ?? 0), eb('id', '<', after?.id ?? 0)])),
      )
      .$if(from !== undefined, (query) => query.where('at', '>=', from ?? 0))
      .$if(to !== undefined, (query) => query.where('at', '<', to ?? 0))
      .orderBy('at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const items = rows
      .slice(0, limit)
      .map(({ id, hash, entry }) => ({ ...(JSON.parse(entry) as AuditEntry & { at: number }), id, hash }));
    return { items, ...(rows.length > limit ? { nextCursor: String(items.at(-1)?.id) } : {}) };
  }

  /** Walks the whole chain; entries may be appended or swept meanwhile. */
  async verify(): Promise<Verification> {
    const base = await this.anchor('base');
    let last = base;
    for (;;) {
      const rows = await this.rowsAfter(last.id);
      for (const row of rows) {
        if (!follows(last, row)) return this.broken(base, last);
        last = { id: row.id, hash: row.hash };
      }
      if (rows.length > 0) continue;
      const head = await this.anchor('head');
      if (head.id === last.id && head.hash === last.hash)
        return { valid: true, entries: last.id - base.id, head };
      // More was appended since the last page was read; if the next page is empty too, the end is missing.
      if (head.id <= last.id || (await this.rowsAfter(last.id)).length === 0) return this.broken(base, last);
    }
  }

  /**
   * Removes up to one page of the oldest entries written before `cutoff`, keeping the last hash removed, so that the rest
   * can still be verified. A segment that is broken is never removed: that would hide what was done to it.
   * @returns how many were removed
   * @throws Error when the chain is broken where it would be cut
   */
  sweep(cutoff: number): Promise<number> {
    return this.database.transaction().execute(async (db) => {
      // Another replica's sweep must not take the anchor back to where it was.
      await this.database.serialize(db, 'audit sweep');
      let last = await this.anchor('base', db);
      const from = last.id;
      for (const row of await this.rowsAfter(from, db)) {
        if (row.at >= cutoff) break;
        if (!follows(last, row)) throw new Error(`the audit chain is broken at ${last.id + 1}`);
        last = { id: row.id, hash: row.hash };
      }
      if (last.id === from) return 0;
      await db.deleteFrom('audit').where('id', '<=', last.id).execute();
      await this.moveAnchor('base', last, db);
      return last.id - from;
    });
  }

  /** A sweep may have taken the rows from under the check: then it begins anew. */
  private async broken(base: Link, last: Link): Promise<Verification> {
    if ((await this.anchor('base')).id !== base.id) return this.verify();
    return {
      valid: false,
      entries: last.id - base.id,
      brokenAt: last.id + 1,
      head: await this.anchor('head'),
    };
  }

  /** Where a page ended; at the beginning of all time when that entry has been swept, and everything before it. */
  private async placeOf(id: number): Promise<{ id: number; at: number }> {
    const row = await this.database.selectFrom('audit').select('at').where('id', '=', id).executeTakeFirst();
    return { id, at: row?.at ?? 0 };
  }

  private rowsAfter(id: number, db: Queryable = this.database): Promise<ChainRow[]> {
    return db
      .selectFrom('audit')
      .select(['id', 'at', 'userId', 'entry', 'hash'])
      .where('id', '>', id)
      .orderBy('id')
      .limit(PAGE)
      .execute();
  }

  private async anchor(name: 'base' | 'head', db: Queryable = this.database): Promise<Link> {
    return db
      .selectFrom('auditAnchors')
      .select(['entryId as id', 'hash'])
      .where('name', '=', name)
      .executeTakeFirstOrThrow();
  }

  private async moveAnchor(name: 'base' | 'head', { id, hash }: Link, db: Queryable): Promise<void> {
    await db.updateTable('auditAnchors').set({ entryId: id, hash }).where('name', '=', name).execute();
  }
}
