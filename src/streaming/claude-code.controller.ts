/** The specification's endpoint: one request, its answer, or the events on the way to it. */
import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { AuditedByExecution } from '../access/audited.decorator.js';
import { CallerOf } from '../access/caller.decorator.js';
import { HeldKeys } from '../access/held-keys.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { ClaudeCodeRequest } from '../commands/claude-code-request.js';
import { REQUEST_EXAMPLES } from '../commands/request-examples.js';
import { ClaudeCodeResponse } from '../commands/claude-code-response.js';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { ERROR_CATALOGUE } from '../errors/catalogue.js';
import { errorHeaders } from '../errors/error-headers.js';
import { EventLog } from '../execution/event-log.js';
import { ExecutionService } from '../execution/execution-service.js';
import { Lifecycle } from '../execution/lifecycle.js';
import { IdempotencyKey } from '../execution/idempotency-key.decorator.js';
import { finishedResponse } from './finished-response.js';
import { eventNumber, sendEvents, untilClosed, whileAllowed } from './sse.js';

@ApiTags('executions')
@ApiBearerAuth()
@Controller('claude-code')
export class ClaudeCodeController {
  constructor(
    private readonly executions: ExecutionService,
    private readonly log: EventLog,
    private readonly config: Config,
    private readonly held: HeldKeys,
    private readonly lifecycle: Lifecycle,
  ) {}

  @Post()
  @HttpCode(200)
  @Scopes('run')
  @AuditedByExecution()
  @ApiOperation({
    summary: 'Run one request and wait for its answer, or with options.streaming for its events',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same key and body: the same execution',
  })
  @ApiBody({ type: ClaudeCodeRequest, examples: REQUEST_EXAMPLES })
  @ApiProduces('application/json', 'text/event-stream')
  @ApiOkResponse({ type: ClaudeCodeResponse, headers: { 'X-Execution-Id': { schema: { type: 'string' } } } })
  async run(
    @Body() request: ClaudeCodeRequest,
    @CallerOf() caller: Caller,
    @IdempotencyKey() key: string | null,
    @Res() response: Response,
  ): Promise<void> {
    const { id } = await this.executions.submit(request, caller, key);
    response.setHeader('X-Execution-Id', id);
    // A reader that leaves stops nothing: the execution goes on, and its answer waits under its id.
    const streaming = request.options?.streaming === true;
    const left = streaming ? whileAllowed(response, this.held, caller.principal) : untilClosed(response);
    const { leaving } = this.lifecycle;
    const events = this.log.follow(id, 0, AbortSignal.any([left, leaving]));
    if (streaming) return sendEvents(response, events, eventNumber, this.config.values.STREAM_STALL_MS);
    const answer = await finishedResponse(events);
    if (answer === undefined && leaving.aborted)
      throw new ClaudeCodeError(
        'E012',
        'This process stops; the execution goes on, and its answer waits under its id.',
        {
          retryAfter: 1,
          details: { executionId: id },
        },
      );
    if (answer === undefined) return;
    const { error } = answer;
    if (error !== undefined) response.status(ERROR_CATALOGUE[error.code].status).set(errorHeaders(error));
    response.json(answer);
  }
}
