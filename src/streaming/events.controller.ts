/** The event log of an execution over HTTP: as a stream from any number, or one event whole. */
import { Controller, Get, Param, ParseIntPipe, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { ID } from '../access/id.pipe.js';
import type { Request, Response } from 'express';
import { CallerOf } from '../access/caller.decorator.js';
import { HeldKeys } from '../access/held-keys.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { invalidRequest } from '../errors/to-claude-code-error.js';
import { EventLog } from '../execution/event-log.js';
import type { ExecutionEvent } from '../execution/execution-event.js';
import { ExecutionService } from '../execution/execution-service.js';
import { Lifecycle } from '../execution/lifecycle.js';
import { EventsQuery, EventView } from './events.dto.js';
import { resumeFrom } from './resume-from.js';
import { eventNumber, sendEvents, whileAllowed } from './sse.js';

const EVENT_NUMBER = new ParseIntPipe({
  exceptionFactory: () => invalidRequest([{ field: 'seq', problem: 'must be the number of an event' }]),
});

@ApiTags('executions')
@ApiBearerAuth()
@Controller('executions/:id/events')
export class EventsController {
  constructor(
    private readonly executions: ExecutionService,
    private readonly log: EventLog,
    private readonly config: Config,
    private readonly held: HeldKeys,
    private readonly lifecycle: Lifecycle,
  ) {}

  @Get()
  @Scopes('read')
  @ApiOperation({
    summary: 'The events as Server-Sent Events, from any number, until the execution has ended',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'As EventSource sends it; goes before `after`',
  })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ type: EventView })
  async stream(
    @Param('id', ID) id: string,
    @Query() query: EventsQuery,
    @CallerOf() { principal }: Caller,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await this.executions.find(id, principal);
    const after = resumeFrom(request.header('last-event-id')) ?? query.after;
    const left = AbortSignal.any([whileAllowed(response, this.held, principal), this.lifecycle.leaving]);
    const events = this.log.follow(id, after, left);
    await sendEvents(response, events, eventNumber, this.config.values.STREAM_STALL_MS);
  }

  @Get(':seq')
  @Scopes('read')
  @ApiOperation({ summary: 'One event, whole also where the stream had it cut' })
  @ApiOkResponse({ type: EventView })
  async one(
    @Param('id', ID) id: string,
    @Param('seq', EVENT_NUMBER) seq: number,
    @CallerOf() { principal }: Caller,
  ): Promise<ExecutionEvent> {
    await this.executions.find(id, principal);
    const [event] = await this.log.read(id, seq - 1, 1);
    if (event?.seq !== seq) throw new ClaudeCodeError('E009', 'There is no such event.');
    return event;
  }
}
