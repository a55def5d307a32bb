/** Asks for a warm place ahead of the first request: for the moment in which somebody opens a project. */
import { Controller, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBearerAuth, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { actingAs } from '../access/acting-as.js';
import { CallerOf } from '../access/caller.decorator.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { WarmPlaces } from '../agents/warm-places.js';
import { OfUserQuery, ProjectParam } from '../access/project.dto.js';
import { Workspaces } from '../workspaces/workspace.js';

export class WarmView {
  @ApiProperty({
    enum: ['ready', 'starting', 'off'],
    description: 'ready: the next request starts at once; off: POOL_SIZE is 0',
  })
  status!: 'ready' | 'starting' | 'off';
}

@ApiTags('executions')
@ApiBearerAuth()
@Controller('projects/:projectId/warm')
export class WarmController {
  constructor(
    private readonly workspaces: Workspaces,
    private readonly places: WarmPlaces,
  ) {}

  @Post()
  @HttpCode(202)
  @Scopes('run')
  @ApiOperation({ summary: 'Start an agent for the project ahead of its next request' })
  @ApiAcceptedResponse({ type: WarmView })
  async warm(
    @Param() { projectId }: ProjectParam,
    @Query() { userId }: OfUserQuery,
    @CallerOf() { principal }: Caller,
  ): Promise<WarmView> {
    const workspace = await this.workspaces.open(actingAs(principal, userId), projectId);
    return { status: this.places.warm(workspace) };
  }
}
