/** A project's snapshots over HTTP: which there are, and back to one of them. */
import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { actingAs } from '../access/acting-as.js';
import { CallerOf } from '../access/caller.decorator.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { OfUserQuery, ProjectParam } from '../access/project.dto.js';
import { SnapshotLog } from './snapshot-log.js';
import { RestoredView, RestoreRequest, SnapshotList, SnapshotListQuery } from './snapshots.dto.js';
import { Workspaces } from './workspace.js';

@ApiTags('snapshots')
@ApiBearerAuth()
@Controller('projects/:projectId')
export class SnapshotsController {
  constructor(
    private readonly workspaces: Workspaces,
    private readonly log: SnapshotLog,
  ) {}

  @Get('snapshots')
  @Scopes('read')
  @ApiOperation({ summary: 'Snapshots of the project, newest first' })
  @ApiOkResponse({ type: SnapshotList })
  async list(
    @Param() { projectId }: ProjectParam,
    @Query() { userId, cursor, limit }: SnapshotListQuery,
    @CallerOf() { principal }: Caller,
  ): Promise<SnapshotList> {
    const workspace = await this.workspaces.find(actingAs(principal, userId), projectId);
    if (workspace === undefined) return { items: [] };
    // One more than asked for tells whether there is a next page.
    const found = await this.log.list(workspace.id, { before: cursor, limit: limit + 1 });
    const items = found.slice(0, limit);
    return { items, nextCursor: found.length > limit ? items.at(-1)?.id : undefined };
  }

  @Post('restore')
  @HttpCode(200)
  @Scopes('run')
  @ApiOperation({
    summary: 'Make the files what they were in a snapshot; what was there before is a snapshot too',
  })
  @ApiOkResponse({ type: RestoredView })
  async restore(
    @Param() { projectId }: ProjectParam,
    @Query() { userId }: OfUserQuery,
    @Body() { snapshot }: RestoreRequest,
    @CallerOf() { principal }: Caller,
  ): Promise<RestoredView> {
    const workspace = await this.workspaces.find(actingAs(principal, userId), projectId);
    const target = workspace && (await this.log.find(workspace.id, snapshot));
    if (workspace === undefined || target === undefined)
      throw new ClaudeCodeError('E009', 'There is no such snapshot.');
    const now = await this.workspaces.snapshot(workspace);
    const previous = await this.log.record(workspace.id, now, 'restore');
    // From what was just kept: whatever somebody changes meanwhile is a conflict, and not lost.
    const transition = await this.workspaces.transit(workspace, { from: now.tree, to: target.tree });
    return { ...transition, previous };
  }
}
