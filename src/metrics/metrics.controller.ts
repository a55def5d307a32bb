/** Serves the metrics to Prometheus, outside the prefix /api. */
import { Controller, Get, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { PrometheusController } from '@willsoto/nestjs-prometheus';
import type { Response } from 'express';
import { PublicWhen, Scopes } from '../access/scopes.decorator.js';

@ApiTags('metrics')
@ApiBearerAuth()
@Controller('metrics')
export class MetricsController extends PrometheusController {
  @Get()
  @PublicWhen((config) => config.values.METRICS_PUBLIC)
  @Scopes('read')
  @ApiOperation({
    summary: 'Metrics in the text format of Prometheus; without a key when METRICS_PUBLIC is set',
  })
  @ApiProduces('text/plain')
  @ApiOkResponse({ type: String })
  override index(@Res({ passthrough: true }) response: Response): Promise<string> {
    return super.index(response);
  }
}
