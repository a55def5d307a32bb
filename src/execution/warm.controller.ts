/** Asks for a warm place ahead of the first request: for the moment in which somebody opens a project. */
import { Controller, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { actingAs } from '../access/acting-as.js';
import { CallerOf } from '../access/caller.decorator.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { WarmPlaces } from '../agents/warm-places.js';
import { OfUserQuery, ProjectParam } from '../access/project.dto.js';
import { Config } from '../config/config.js';
import { EgressGateway } from '../egress/egress-gateway.js';
import { WarmBoard } from './shared/warm-board.js';
import { Workspaces } from '../workspaces/workspace.js';

export class WarmView {
  @ApiProperty({
    enum: ['ready', 'starting', 'off'],
    description: 'ready: the next request starts at once; off: nothing is kept warm, `reason` says why',
  })
  status!: 'ready' | 'starting' | 'off';

  @ApiPropertyOptional({
    enum: ['egress', 'off'],
    description:
      'Only with `off`, as the metric of misses says it. egress: the project was granted hosts, and the way to them ' +
      'is made when an execution starts; off: POOL_SIZE is 0',
  })
  reason?: 'egress' | 'off';
}

@ApiTags('executions')
@ApiBearerAuth()
@Controller('projects/:projectId/warm')
export class WarmController {
  constructor(
    private readonly workspaces: Workspaces,
    private readonly places: WarmPlaces,
    private readonly egress: EgressGateway,
    private readonly board: WarmBoard,
    private readonly config: Config,
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
    const owner = actingAs(principal, userId);
    if ((await this.egress.grantsOf(owner, projectId)).length > 0) {
      const known = await this.workspaces.find(owner, projectId);
      if (known !== undefined) this.places.cool(known);
      return { status: 'off', reason: 'egress' };
    }
    const workspace = await this.workspaces.open(owner, projectId);
    if (!this.config.works) return { status: await this.board.wish(workspace) };
    const status = this.places.warm(workspace);
    return status === 'off' ? { status, reason: 'off' } : { status };
  }
}
