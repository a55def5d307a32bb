/** Times the model service as the gateway sees it. */
import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Histogram } from 'prom-client';
import { ModelGateway } from '../model-gateway/model-gateway.js';
import { UPSTREAM_DURATION, UPSTREAM_FIRST_BYTE } from './instruments.js';

/** Statuses worth a series of their own; the others are told by their class, `4xx`. */
const OWN: ReadonlySet<number> = new Set([200, 429, 499, 502, 529]);

@Injectable()
export class UpstreamMetrics {
  constructor(
    @InjectMetric(UPSTREAM_DURATION) duration: Histogram,
    @InjectMetric(UPSTREAM_FIRST_BYTE) firstByte: Histogram,
    gateway: ModelGateway,
  ) {
    gateway.answers.on('answer', ({ data: { status, durationMs, firstByteMs } }) => {
      const label = OWN.has(status) ? String(status) : `${Math.floor(status / 100)}xx`;
      duration.observe({ status: label }, durationMs / 1000);
      if (firstByteMs !== undefined) firstByte.observe(firstByteMs / 1000);
    });
  }
}
