/** REST over batches: ask for many at once, look, follow, fetch what came out, cancel. */
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import { ID } from '../access/id.pipe.js';
import type { Request, Response } from 'express';
import { AuditedByExecution } from '../access/audited.decorator.js';
import { CallerOf } from '../access/caller.decorator.js';
import { HeldKeys } from '../access/held-keys.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { IdempotencyKey } from '../execution/idempotency-key.decorator.js';
import { EventsQuery } from '../streaming/events.dto.js';
import { resumeFrom } from '../streaming/resume-from.js';
import { Config } from '../config/config.js';
import { Lifecycle } from '../execution/lifecycle.js';
import { sendEvents, sendLines, whileAllowed } from '../streaming/sse.js';
import type { Batch } from './batch.js';
import { BatchList, BatchListQuery, BatchRequest, BatchView, ResultsQuery, viewOf } from './batch.dto.js';
import { BatchService } from './batch-service.js';
import { BatchStream, itemNumber } from './batch-stream.js';

@ApiTags('batches')
@ApiBearerAuth()
@Controller('batches')
export class BatchesController {
  constructor(
    private readonly batches: BatchService,
    private readonly stream: BatchStream,
    private readonly config: Config,
    private readonly held: HeldKeys,
    private readonly lifecycle: Lifecycle,
  ) {}

  @Post()
  @HttpCode(202)
  @Scopes('run')
  @AuditedByExecution()
  @ApiOperation({
    summary:
      'Ask for many executions at once: all are accepted or none, and run behind everything interactive, or at half the price within a day',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same key and body: the same batch',
  })
  @ApiAcceptedResponse({ type: BatchView })
  async submit(
    @Body() { requests, mode }: BatchRequest,
    @CallerOf() caller: Caller,
    @IdempotencyKey() key: string | null,
    @Res({ passthrough: true }) response: Response,
  ): Promise<BatchView> {
    const batch = await this.batches.submit({ requests, mode: mode ?? 'standard' }, caller, key);
    response.location(`/api/batches/${batch.id}`);
    return this.view(batch);
  }

  @Get()
  @Scopes('read')
  @ApiOperation({ summary: 'Batches, newest first' })
  @ApiOkResponse({ type: BatchList })
  async list(
    @Query() { userId, cursor, limit }: BatchListQuery,
    @CallerOf() { principal }: Caller,
  ): Promise<BatchList> {
    // One more than asked for tells whether there is a next page.
    const found = await this.batches.list(principal, userId, cursor, limit + 1);
    const page = found.slice(0, limit);
    const items = (await this.batches.statesOf(page)).map(([batch, state]) => viewOf(batch, state));
    return { items, nextCursor: found.length > limit ? items.at(-1)?.id : undefined };
  }

  @Get(':id')
  @Scopes('read')
  @ApiOperation({ summary: 'One batch: its state, counted from its executions' })
  @ApiOkResponse({ type: BatchView })
  async find(@Param('id', ID) id: string, @CallerOf() { principal }: Caller): Promise<BatchView> {
    return this.view(await this.batches.find(id, principal));
  }

  @Get(':id/events')
  @Scopes('read')
  @ApiOperation({
    summary: 'The events of all its executions as one stream, from any number, until `batch.finished`',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'As EventSource sends it, the `batchSeq` of an event; goes before `after`',
  })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({
    description: 'Events with `batchId`, `batchSeq` and `position`; `batch.updated`, `batch.finished`',
  })
  async events(
    @Param('id', ID) id: string,
    @Query() query: EventsQuery,
    @CallerOf() { principal }: Caller,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const batch = await this.batches.find(id, principal);
    const after = resumeFrom(request.header('last-event-id')) ?? query.after;
    const left = AbortSignal.any([whileAllowed(response, this.held, principal), this.lifecycle.leaving]);
    const events = this.stream.events(batch, after, left);
    await sendEvents(response, events, itemNumber, this.config.values.STREAM_STALL_MS);
  }

  @Get(':id/results')
  @Scopes('read')
  @ApiOperation({
    summary:
      'One JSON line for each request, in their order, each as soon as it and those before it have ended',
  })
  @ApiProduces('application/x-ndjson')
  @ApiOkResponse({ description: '`{position, executionId, status, response}`' })
  async results(
    @Param('id', ID) id: string,
    @Query() { wait }: ResultsQuery,
    @CallerOf() { principal }: Caller,
    @Res() response: Response,
  ): Promise<void> {
    const batch = await this.batches.find(id, principal);
    const lines = this.stream.results(batch, wait === 'true', whileAllowed(response, this.held, principal));
    await sendLines(response, lines, this.config.values.STREAM_STALL_MS);
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Scopes('run')
  @ApiOperation({ summary: 'Cancel all of it that has not ended; idempotent, answers the batch' })
  @ApiOkResponse({ type: BatchView })
  async cancel(@Param('id', ID) id: string, @CallerOf() { principal }: Caller): Promise<BatchView> {
    return this.view(await this.batches.cancel(id, principal));
  }

  private async view(batch: Batch): Promise<BatchView> {
    return viewOf(batch, await this.batches.stateOf(batch));
  }
}
