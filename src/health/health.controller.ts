/** The probes of an orchestrator: is it alive, has it started, may it be sent work. */
import { Controller, Get, Res, ServiceUnavailableException } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { type HealthCheckResult, HealthCheckService, type HealthIndicatorFunction } from '@nestjs/terminus';
import type { Response } from 'express';
import { Public } from '../access/scopes.decorator.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { refusal } from '../errors/envelope.js';
import { Readiness } from './readiness.js';

type Answer = Pick<HealthCheckResult, 'status' | 'details'> | ReturnType<typeof refusal>;

@ApiTags('health')
@Public()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly readiness: Readiness,
  ) {}

  @Get('live')
  @ApiOperation({ summary: 'The process answers' })
  @ApiOkResponse({ example: { status: 'ok', details: {} } })
  live(): Answer {
    return { status: 'ok', details: {} };
  }

  @Get('startup')
  @ApiOperation({ summary: 'The process has started: its database is open' })
  @ApiOkResponse({ example: { status: 'ok', details: { database: { status: 'up' } } } })
  @ApiServiceUnavailableResponse({ description: 'E012; `error.details` says what is missing' })
  startup(@Res({ passthrough: true }) response: Response): Promise<Answer> {
    return this.check(response, [this.readiness.databaseAnswers]);
  }

  @Get('ready')
  @ApiOperation({ summary: 'Work can be sent: database, queue, sandbox, not shutting down' })
  @ApiOkResponse({
    example: {
      status: 'ok',
      details: {
        database: { status: 'up' },
        queue: { status: 'up' },
        sandbox: { status: 'up' },
        lifecycle: { status: 'up' },
      },
    },
  })
  @ApiServiceUnavailableResponse({
    description: 'E012; `error.details` says what is missing and what mends it',
  })
  ready(@Res({ passthrough: true }) response: Response): Promise<Answer> {
    const { databaseAnswers, queueAnswers, sandboxHolds, takesWork } = this.readiness;
    return this.check(response, [databaseAnswers, queueAnswers, sandboxHolds, takesWork]);
  }

  /** Not thrown: a probe every few seconds is no refused call, and must not fill the audit. */
  private async check(response: Response, indicators: HealthIndicatorFunction[]): Promise<Answer> {
    try {
      const { status, details } = await this.health.check(indicators);
      return { status, details };
    } catch (thrown) {
      const error = notReady(thrown);
      response.status(error.status);
      return refusal('', error.toBody());
    }
  }
}

function notReady(thrown: unknown): ClaudeCodeError {
  if (!(thrown instanceof ServiceUnavailableException)) throw thrown;
  const { details } = thrown.getResponse() as HealthCheckResult;
  const missing = Object.entries(details).filter(([, { status }]) => status === 'down');
  return new ClaudeCodeError('E012', `Not ready: ${missing.map(([name]) => name).join(', ')}.`, { details });
}
