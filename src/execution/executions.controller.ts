/** REST over executions: submit without waiting, look, list, cancel. */
import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ID } from '../access/id.pipe.js';
import type { Response } from 'express';
import { AuditedByExecution } from '../access/audited.decorator.js';
import { CallerOf } from '../access/caller.decorator.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { ClaudeCodeRequest } from '../commands/claude-code-request.js';
import { REQUEST_EXAMPLES } from '../commands/request-examples.js';
import { ExecutionList, ExecutionListQuery, ExecutionView, summaryOf, viewOf } from './execution.dto.js';
import { ExecutionService } from './execution-service.js';
import { IdempotencyKey } from './idempotency-key.decorator.js';

@ApiTags('executions')
@ApiBearerAuth()
@Controller('executions')
export class ExecutionsController {
  constructor(private readonly executions: ExecutionService) {}

  @Post()
  @HttpCode(202)
  @Scopes('run')
  @AuditedByExecution()
  @ApiOperation({ summary: 'Ask for an execution and do not wait for it' })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same key and body: the same execution',
  })
  @ApiBody({ type: ClaudeCodeRequest, examples: REQUEST_EXAMPLES })
  @ApiAcceptedResponse({ type: ExecutionView })
  async submit(
    @Body() request: ClaudeCodeRequest,
    @CallerOf() caller: Caller,
    @IdempotencyKey() key: string | null,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ExecutionView> {
    const execution = await this.executions.submit(request, caller, key);
    response.location(`/api/executions/${execution.id}`).setHeader('X-Execution-Id', execution.id);
    return viewOf(execution);
  }

  @Get()
  @Scopes('read')
  @ApiOperation({ summary: 'Executions, newest first' })
  @ApiOkResponse({ type: ExecutionList })
  async list(@Query() query: ExecutionListQuery, @CallerOf() { principal }: Caller): Promise<ExecutionList> {
    const { userId, cursor, limit, ...filter } = query;
    // One more than asked for tells whether there is a next page.
    const found = await this.executions.list(
      { ...filter, before: cursor, limit: limit + 1 },
      principal,
      userId,
    );
    const items = found.slice(0, limit).map(summaryOf);
    return { items, nextCursor: found.length > limit ? items.at(-1)?.id : undefined };
  }

  @Get(':id')
  @Scopes('read')
  @ApiOperation({ summary: 'One execution: state, request, and its response when it has ended' })
  @ApiOkResponse({ type: ExecutionView })
  async find(@Param('id', ID) id: string, @CallerOf() { principal }: Caller): Promise<ExecutionView> {
    return viewOf(await this.executions.find(id, principal));
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Scopes('run')
  @ApiOperation({ summary: 'Cancel it; idempotent, answers the execution' })
  @ApiOkResponse({ type: ExecutionView })
  async cancel(@Param('id', ID) id: string, @CallerOf() { principal }: Caller): Promise<ExecutionView> {
    return viewOf(await this.executions.cancel(id, principal));
  }
}
