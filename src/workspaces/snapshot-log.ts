/** Which snapshots there are to be had back, and thereby which contents are still named by somebody. */
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Database } from '../persistence/database.js';
import type { Snapshot } from './workspace.js';

/**
 * `before` and `after` an execution; `backup`: before one that asked for it; `dry-run`: what a dry run would have left;
 * `restore`: before a restore.
 */
export const SNAPSHOT_KINDS = ['before', 'after', 'backup', 'dry-run', 'restore'] as const;
export type SnapshotKind = (typeof SNAPSHOT_KINDS)[number];

export interface LoggedSnapshot {
  /** UUIDv7. */
  id: string;
  /** As in `Snapshot`. */
  tree: string;
  kind: SnapshotKind;
  executionId?: string;
  files: number;
  bytes: number;
  /** Epoch milliseconds. */
  createdAt: number;
}

@Injectable()
export class SnapshotLog {
  constructor(private readonly database: Database) {}

  /** Answers its id. */
  async record(
    workspaceId: string,
    { tree, files, bytes }: Snapshot,
    kind: SnapshotKind,
    executionId?: string,
  ): Promise<string> {
    const id = uuidv7();
    const values = { id, workspaceId, tree, kind, files, bytes, createdAt: Date.now() };
    await this.database
      .insertInto('snapshots')
      .values({ ...values, executionId: executionId ?? null })
      .execute();
    return id;
  }

  /** Newest first. @param page.before the last id of the page before */
  async list(workspaceId: string, page: { before?: string; limit: number }): Promise<LoggedSnapshot[]> {
    let rows = this.#of(workspaceId);
    if (page.before !== undefined) rows = rows.where('id', '<', page.before);
    return (await rows.orderBy('id', 'desc').limit(page.limit).execute()).map(fromRow);
  }

  async find(workspaceId: string, id: string): Promise<LoggedSnapshot | undefined> {
    const row = await this.#of(workspaceId).where('id', '=', id).executeTakeFirst();
    return row && fromRow(row);
  }

  /** Every content of the workspace that is to stay: of snapshots, and of answers whose changes can be had again. */
  async named(workspaceId: string): Promise<string[]> {
    const rows = await this.database
      .selectFrom('snapshots')
      .select('tree')
      .distinct()
      .where('workspaceId', '=', workspaceId)
      .execute();
    const ways = await this.database
      .selectFrom('answers')
      .select(['treeBefore', 'treeAfter'])
      .where('workspaceId', '=', workspaceId)
      .execute();
    const ofAnswers = ways.flatMap(({ treeBefore, treeAfter }) => [treeBefore, treeAfter]);
    return [...rows.map(({ tree }) => tree), ...ofAnswers.filter((tree) => tree !== null)];
  }

  #of(workspaceId: string) {
    return this.database
      .selectFrom('snapshots')
      .select(['id', 'tree', 'kind', 'executionId', 'files', 'bytes', 'createdAt'])
      .where('workspaceId', '=', workspaceId);
  }
}

/** The column holds what `record` wrote. */
const fromRow = (
  row: Omit<LoggedSnapshot, 'kind' | 'executionId'> & { kind: string; executionId: string | null },
) => ({
  ...row,
  kind: row.kind as SnapshotKind,
  executionId: row.executionId ?? undefined,
});
