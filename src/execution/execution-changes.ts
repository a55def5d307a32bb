/** What executions changed: told, packed, put in place after a dry run, taken back. */
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../access/principal.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import {
  noChanges,
  type ChangeSet,
  type Transition,
  type Workspace,
  Workspaces,
} from '../workspaces/workspace.js';
import type { Execution } from './execution.js';
import { ExecutionService } from './execution-service.js';
import { isEnd } from './execution-state.js';
import { ExecutionStore } from './execution-store.js';

/** An archive without entries is two blocks of zeros. */
const EMPTY_TAR = Buffer.alloc(1024);

@Injectable()
export class ExecutionChanges {
  constructor(
    private readonly executions: ExecutionService,
    private readonly store: ExecutionStore,
    private readonly workspaces: Workspaces,
  ) {}

  /** Empty until it has ended. @throws ClaudeCodeError E009 */
  async of(id: string, principal: Principal): Promise<ChangeSet> {
    await this.executions.find(id, principal);
    return (await this.store.changes(id)) ?? noChanges();
  }

  /** Created and modified files, as they are. @throws ClaudeCodeError E009 */
  async archive(id: string, principal: Principal): Promise<Readable> {
    const { userId, projectId, treeBefore, treeAfter } = await this.executions.find(id, principal);
    const workspace = await this.workspaces.find(userId, projectId);
    if (workspace === undefined || treeBefore === undefined || treeAfter === undefined)
      return Readable.from([EMPTY_TAR]);
    return this.workspaces.archive(workspace, treeBefore, treeAfter);
  }

  /** Puts in place what a dry run would have changed. @throws ClaudeCodeError E009, E010 (nothing is changed then) */
  async apply(id: string, principal: Principal): Promise<Transition> {
    const execution = await this.executions.find(id, principal);
    if (execution.request.options?.dryRun !== true)
      throw new ClaudeCodeError('E010', 'The execution was not a dry run: its changes are in place.');
    const { workspace, before, after } = await this.ended(execution);
    return this.workspaces.transit(workspace, { from: before, to: after });
  }

  /** Takes its changes back. @throws ClaudeCodeError E009, E010 (nothing is changed then) */
  async revert(id: string, principal: Principal): Promise<Transition> {
    const { workspace, before, after } = await this.ended(await this.executions.find(id, principal));
    return this.workspaces.transit(workspace, { from: after, to: before });
  }

  private async ended(
    execution: Execution,
  ): Promise<{ workspace: Workspace; before: string; after: string }> {
    const { status, treeBefore: before, treeAfter: after, userId, projectId } = execution;
    if (!isEnd(status)) throw new ClaudeCodeError('E010', 'The execution has not ended.');
    const workspace = await this.workspaces.find(userId, projectId);
    if (workspace === undefined || before === undefined || after === undefined)
      throw new ClaudeCodeError('E010', 'The execution has no recorded changes.');
    return { workspace, before, after };
  }
}
