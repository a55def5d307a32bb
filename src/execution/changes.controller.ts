/** What an execution changed, over HTTP: as JSON, diff or archive; put in place after a dry run; taken back. */
import { pipeline } from 'node:stream/promises';
import { Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { ID } from '../access/id.pipe.js';
import type { Request, Response } from 'express';
import { CallerOf } from '../access/caller.decorator.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { TransitionView } from '../workspaces/snapshots.dto.js';
import { ExecutionChanges } from './execution-changes.js';

const FORMS = ['application/json', 'text/x-diff', 'application/x-tar'];

@ApiTags('executions')
@ApiBearerAuth()
@Controller('executions/:id')
export class ChangesController {
  constructor(private readonly changes: ExecutionChanges) {}

  @Get('changes')
  @Scopes('read')
  @ApiOperation({
    summary:
      'Created, modified and deleted files; as text/x-diff a unified diff, as application/x-tar the files',
  })
  @ApiProduces(...FORMS)
  async find(
    @Param('id', ID) id: string,
    @CallerOf() { principal }: Caller,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const form = request.accepts(FORMS);
    if (form === 'application/x-tar') {
      const archive = await this.changes.archive(id, principal);
      response.attachment(`${id}.tar`).type(form);
      return pipeline(archive, response);
    }
    const { diff, ...changes } = await this.changes.of(id, principal);
    if (form === 'text/x-diff') response.type(form).send(diff);
    else response.json(changes);
  }

  @Post('apply')
  @HttpCode(200)
  @Scopes('run')
  @ApiOperation({
    summary: 'Put the changes of a dry run in place; 409 when a file it touches has changed since',
  })
  @ApiOkResponse({ type: TransitionView })
  apply(@Param('id', ID) id: string, @CallerOf() { principal }: Caller): Promise<TransitionView> {
    return this.changes.apply(id, principal);
  }

  @Post('revert')
  @HttpCode(200)
  @Scopes('run')
  @ApiOperation({ summary: 'Take the changes back; 409 when a file it touched has changed since' })
  @ApiOkResponse({ type: TransitionView })
  revert(@Param('id', ID) id: string, @CallerOf() { principal }: Caller): Promise<TransitionView> {
    return this.changes.revert(id, principal);
  }
}
