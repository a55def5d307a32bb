/** Repositories into a project over HTTP. */
import { Body, Controller, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { actingAs } from '../access/acting-as.js';
import { CallerOf } from '../access/caller.decorator.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { ClonedRepository, CloneRequest } from './clones.dto.js';
import { Clones } from './clones.js';
import { OfUserQuery, ProjectParam } from '../access/project.dto.js';
import { Workspaces } from './workspace.js';
import { directoryPath } from './workspace-path.js';

@ApiTags('files')
@ApiBearerAuth()
@Controller('projects/:projectId/clone')
export class ClonesController {
  constructor(
    private readonly workspaces: Workspaces,
    private readonly clones: Clones,
  ) {}

  @Post()
  @Scopes('run')
  @ApiOperation({ summary: 'Clone a public repository into an empty directory, whole or not at all' })
  @ApiCreatedResponse({ type: ClonedRepository })
  async clone(
    @Param() { projectId }: ProjectParam,
    @Query() query: OfUserQuery,
    @Body() { path, ...order }: CloneRequest,
    @CallerOf() { principal }: Caller,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ClonedRepository> {
    const into = directoryPath(path);
    const workspace = await this.workspaces.open(actingAs(principal, query.userId), projectId);
    const left = new AbortController();
    response.once('close', () => left.abort(new ClaudeCodeError('E013', 'The client went away.')));
    return this.clones.clone(workspace, { ...order, into, signal: left.signal });
  }
}
