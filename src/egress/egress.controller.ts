/** Administration of the hosts that a project's sandboxes may reach. */
import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CallerOf } from '../access/caller.decorator.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { Config } from '../config/config.js';
import { ProjectParam } from '../access/project.dto.js';
import { EgressGrantRequest, EgressGrantView, EgressUserQuery } from './egress.dto.js';
import { EgressGrants } from './egress-grants.js';
import { UnixSocketEgressGateway } from './unix-socket-egress-gateway.js';

@ApiTags('egress')
@ApiBearerAuth()
@Controller('projects/:projectId/egress')
@Scopes('admin')
export class EgressController {
  constructor(
    private readonly grants: EgressGrants,
    private readonly gateway: UnixSocketEgressGateway,
    private readonly config: Config,
  ) {}

  @Get()
  @ApiOperation({ summary: "Hosts whose port 443 the project's sandboxes may reach" })
  @ApiOkResponse({ type: EgressGrantView })
  async read(
    @Param() { projectId }: ProjectParam,
    @Query() query: EgressUserQuery,
    @CallerOf() caller: Caller,
  ): Promise<EgressGrantView> {
    return this.view(await this.grants.of(ownerOf(query, caller), projectId));
  }

  @Put()
  @ApiOperation({
    summary: 'Grant exactly these; what is taken back is cut at once, what is new is for new executions',
  })
  @ApiOkResponse({ type: EgressGrantView })
  async replace(
    @Param() { projectId }: ProjectParam,
    @Query() query: EgressUserQuery,
    @Body() { hosts }: EgressGrantRequest,
    @CallerOf() caller: Caller,
  ): Promise<EgressGrantView> {
    await this.gateway.grant(ownerOf(query, caller), projectId, hosts);
    return this.view(hosts);
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: "Take all of the project's own back; connections there are cut at once" })
  @ApiNoContentResponse()
  async remove(
    @Param() { projectId }: ProjectParam,
    @Query() query: EgressUserQuery,
    @CallerOf() caller: Caller,
  ): Promise<void> {
    await this.gateway.grant(ownerOf(query, caller), projectId, []);
  }

  private view(hosts: string[]): EgressGrantView {
    return { hosts, everywhere: this.config.values.EGRESS_ALLOW };
  }
}

/** The scope admin is for everybody's: whoever has it can make a key for any user. */
const ownerOf = (query: EgressUserQuery, { principal }: Caller): string => query.userId ?? principal.userId;
