/** Keeps what a workspace holds before and after somebody works in it, and finds what they changed. */
import { Injectable } from '@nestjs/common';
import type { Answer, Way } from '../cache/answer.js';
import { Config } from '../config/config.js';
import type { Queryable } from '../persistence/database.js';
import { Redactor } from '../redaction/redactor.js';
import { SnapshotLog, type SnapshotKind } from '../workspaces/snapshot-log.js';
import {
  noChanges,
  type ChangeSet,
  type Snapshot,
  type Workspace,
  Workspaces,
} from '../workspaces/workspace.js';
import type { Execution } from './execution.js';
import { ExecutionStore } from './execution-store.js';

export interface RecordedChanges {
  changes: ChangeSet;
  /** Id of the snapshot that `options.backup` asked for. */
  backup?: string;
  /** From what to what; absent when no tool wanted to run and nobody had asked for it. */
  way?: Way;
  /** Whether nobody else wrote to the workspace meanwhile. */
  alone?: boolean;
}

/**
 * Works in the workspace, or for a dry run in a copy of it; `mayAct` is awaited before anything there is changed.
 */
type Work = (place: Workspace, mayAct: () => Promise<void>) => Promise<unknown>;

@Injectable()
export class ChangeRecorder {
  private readonly redactor: Redactor;

  constructor(
    private readonly workspaces: Workspaces,
    private readonly snapshots: SnapshotLog,
    private readonly store: ExecutionStore,
    config: Config,
  ) {
    this.redactor = new Redactor(config.secrets);
  }

  /**
   * The content before is kept when the first tool wants to run: until then nothing can have changed, and the first words
   * need not wait for it. A backup is made in any case.
   */
  record(execution: Execution, workspace: Workspace, work: Work): Promise<RecordedChanges> {
    const guard = (db: Queryable) => this.store.isUnderWay(db, execution);
    return execution.request.options?.dryRun === true
      ? this.workspaces.trying(workspace, (copy) => this.around(execution, copy, work), guard)
      : this.workspaces.writing(workspace, () => this.around(execution, workspace, work), guard);
  }

  private async around(execution: Execution, place: Workspace, work: Work): Promise<RecordedChanges> {
    const { backup: isBackup = false, cache = 'off' } = execution.request.options ?? {};
    const disturbed = await this.workspaces.watch(place, 1);
    let begin: Promise<{ before: Snapshot; id: string }> | undefined;
    const mayAct = async () => {
      begin ??= this.begin(execution, place, isBackup ? 'backup' : 'before');
      await begin;
    };
    // An answer that is kept is found again by what was there before.
    if (isBackup || cache !== 'off') await mayAct();
    await work(place, mayAct);
    if (begin === undefined) return { changes: noChanges() };
    const { before, id } = await begin;
    const after = await this.workspaces.snapshot(place, { count: true });
    if (after.tree !== before.tree) {
      const kind = place.copy === undefined ? 'after' : 'dry-run';
      await this.snapshots.record(place.id, after, kind, execution.id);
    }
    await this.store.saveTrees(execution, { treeAfter: after.tree });
    const changes = this.redactor.value(await this.workspaces.changes(place, before, after));
    const way = { workspaceId: place.id, before, after };
    return { changes, way, alone: !(await disturbed()), ...(isBackup ? { backup: id } : {}) };
  }

  /** Names the contents of a kept answer as its execution's own: a dry run's, to be put in place when somebody asks for it. */
  async adopt(executionId: string, { way }: Answer): Promise<void> {
    if (way === undefined) return;
    await this.snapshots.record(way.workspaceId, way.before, 'before', executionId);
    if (way.after.tree !== way.before.tree)
      await this.snapshots.record(way.workspaceId, way.after, 'dry-run', executionId);
  }

  /**
   * Puts the changes of a kept answer in place.
   * @throws ClaudeCodeError E009, E010: they do not fit, and nothing is changed
   */
  async reapply(
    execution: Execution,
    workspace: Workspace,
    { before, after }: Way,
  ): Promise<{ backup?: string }> {
    const isBackup = execution.request.options?.backup === true;
    const id = await this.snapshots.record(
      workspace.id,
      before,
      isBackup ? 'backup' : 'before',
      execution.id,
    );
    await this.store.saveTrees(execution, { treeBefore: before.tree });
    if (after.tree !== before.tree) {
      await this.workspaces.transit(workspace, { from: before.tree, to: after.tree });
      await this.snapshots.record(workspace.id, after, 'after', execution.id);
    }
    return isBackup ? { backup: id } : {};
  }

  /** Named by the log before it is named by the row: what a row names can always be had. */
  private async begin(
    execution: Execution,
    place: Workspace,
    kind: SnapshotKind,
  ): Promise<{ before: Snapshot; id: string }> {
    const before = await this.workspaces.snapshot(place);
    const id = await this.snapshots.record(place.id, before, kind, execution.id);
    await this.store.saveTrees(execution, { treeBefore: before.tree });
    return { before, id };
  }
}
