/** Forgets snapshots by count and age, in small steps; what an execution's row still names stays. */
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database } from '../persistence/database.js';
import { SnapshotLog } from '../workspaces/snapshot-log.js';
import { Workspaces } from '../workspaces/workspace.js';
import { DAY_MS } from './sweeper.js';

/** Rows, and workspaces, of one step. */
const STEP = 50;

@Injectable()
export class SnapshotRetention {
  constructor(
    private readonly database: Database,
    private readonly log: SnapshotLog,
    private readonly workspaces: Workspaces,
    private readonly config: Config,
  ) {}

  /** Answers how many were forgotten. */
  async sweep(now: number): Promise<number> {
    const { SNAPSHOT_DAYS, SNAPSHOT_KEEP } = this.config.values;
    const due = [
      ...(await this.olderThan(now - SNAPSHOT_DAYS * DAY_MS)),
      ...(await this.beyond(SNAPSHOT_KEEP)),
    ];
    if (due.length === 0) return 0;
    const ids = [...new Set(due.map(({ id }) => id))];
    await this.database.deleteFrom('snapshots').where('id', 'in', ids).execute();
    // A death here leaves contents that the workspace's next sweep removes.
    for (const id of new Set(due.map(({ workspaceId }) => workspaceId)))
      await this.workspaces.collect(id, () => this.log.named(id));
    return ids.length;
  }

  private olderThan(time: number) {
    return this.#unnamed().where('createdAt', '<', time).orderBy('createdAt').limit(STEP).execute();
  }

  /** The oldest of workspaces that have more. */
  private async beyond(keep: number): Promise<{ id: string; workspaceId: string }[]> {
    const full = await this.database
      .selectFrom('snapshots')
      .select('workspaceId')
      .groupBy('workspaceId')
      .having(({ fn }) => fn.countAll(), '>', keep)
      .limit(STEP)
      .execute();
    const due = [];
    for (const { workspaceId } of full) {
      const newest = await this.log.list(workspaceId, { limit: keep });
      const oldestKept = newest.at(-1)?.id ?? '';
      const rows = this.#unnamed().where('workspaceId', '=', workspaceId).where('id', '<', oldestKept);
      due.push(...(await rows.orderBy('id').limit(STEP).execute()));
    }
    return due;
  }

  #unnamed() {
    return this.database
      .selectFrom('snapshots')
      .select(['id', 'workspaceId'])
      .where((row) =>
        row.not(
          row.exists(
            row
              .selectFrom('executions')
              .select('executions.id')
              .whereRef('executions.id', '=', 'snapshots.executionId'),
          ),
        ),
      );
  }
}
