/** Which version of a workspace is the truth: a number that only who holds the workspace can move on, by one. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Database } from '../../persistence/database.js';
import { patiently } from '../../persistence/patiently.js';
import type { Guard } from '../workspace-lease.js';

/** Where a version is. */
export const STORED = z.object({
  /** Name of its pack. */
  name: z.string(),
  /** Where in the pack its manifest is: bytes from the beginning, how many, and their SHA-256. */
  manifest: z.object({ at: z.number(), bytes: z.number(), hash: z.string() }),
  /** Every pack that it needs. */
  packs: z.array(z.string()),
  /** What a copy of it takes. */
  bytes: z.number(),
});
export type Stored = z.infer<typeof STORED>;

export interface Version {
  number: number;
  /** Undefined of version 0, the empty workspace. */
  stored?: Stored;
}

/** Workspaces that are asked for at once. */
const PAGE = 200;

@Injectable()
export class Versions {
  constructor(private readonly database: Database) {}

  async current(workspaceId: string): Promise<Version> {
    const row = await this.database
      .selectFrom('workspaces')
      .select(['version', 'stored'])
      .where('id', '=', workspaceId)
      .executeTakeFirst();
    // One that waits for its owner has no row yet.
    return row === undefined ? { number: 0 } : versionOf(row);
  }

  /**
   * Makes what was stored the truth. False when it must not be: another version is, or a guard refuses; a guard is asked in
   * the same transaction, so that whoever is fenced off there is fenced off here.
   */
  advance(workspaceId: string, from: Version, stored: Stored, guards: readonly Guard[]): Promise<boolean> {
    return patiently(() =>
      this.database.transaction().execute(async (db) => {
        for (const guard of guards) if (!(await guard(db))) return false;
        const { numUpdatedRows } = await db
          .updateTable('workspaces')
          .set({ version: from.number + 1, stored: JSON.stringify(stored) })
          .where('id', '=', workspaceId)
          .where('version', '=', from.number)
          .executeTakeFirst();
        if (numUpdatedRows === 1n) return true;
        // A commit whose answer was lost is tried once more: then it is there already.
        const row = await db
          .selectFrom('workspaces')
          .select(['version', 'stored'])
          .where('id', '=', workspaceId)
          .executeTakeFirst();
        return row !== undefined && versionOf(row).stored?.name === stored.name;
      }),
    );
  }

  /** Every pack that a truth needs, as `workspace/pack`. */
  async needed(): Promise<Set<string>> {
    const needed = new Set<string>();
    for (let after = ''; ;) {
      const rows = await this.database
        .selectFrom('workspaces')
        .select(['id', 'version', 'stored'])
        .where('id', '>', after)
        .where('version', '>', 0)
        .orderBy('id')
        .limit(PAGE)
        .execute();
      for (const { id, ...row } of rows)
        for (const pack of versionOf(row).stored?.packs ?? []) needed.add(`${id}/${pack}`);
      const last = rows.at(-1);
      if (last === undefined) return needed;
      after = last.id;
    }
  }
}

const versionOf = ({ version, stored }: { version: number; stored: string | null }): Version => ({
  number: version,
  ...(stored === null ? {} : { stored: STORED.parse(JSON.parse(stored)) }),
});
