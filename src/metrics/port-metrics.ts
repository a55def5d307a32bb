/** Times what an execution stands on, as each port tells of it: the model service, sandboxes, streams, egress. */
import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Counter, Histogram } from 'prom-client';
import { EgressGateway } from '../egress/egress-gateway.js';
import { EventLog } from '../execution/event-log.js';
import { ModelGateway } from '../model-gateway/model-gateway.js';
import { Sandboxes } from '../sandbox/sandbox.js';
import {
  EGRESS_BYTES,
  EGRESS_CONNECTIONS,
  SANDBOX_START,
  STREAM_LAG,
  UPSTREAM_DURATION,
  UPSTREAM_FIRST_BYTE,
} from './instruments.js';

/** Statuses worth a series of their own; the others are told by their class, `4xx`. */
const OWN: ReadonlySet<number> = new Set([200, 429, 499, 502, 529]);

@Injectable()
export class PortMetrics {
  constructor(
    @InjectMetric(UPSTREAM_DURATION) duration: Histogram,
    @InjectMetric(UPSTREAM_FIRST_BYTE) firstByte: Histogram,
    @InjectMetric(SANDBOX_START) sandboxStart: Histogram,
    @InjectMetric(STREAM_LAG) streamLag: Histogram,
    @InjectMetric(EGRESS_CONNECTIONS) connections: Counter,
    @InjectMetric(EGRESS_BYTES) bytes: Counter,
    gateway: ModelGateway,
    egress: EgressGateway,
    sandboxes: Sandboxes,
    log: EventLog,
  ) {
    sandboxes.starts.on('started', ({ data }) => sandboxStart.observe(data.afterMs / 1000));
    log.deliveries.on('delivered', ({ lagMs }) => streamLag.observe(lagMs / 1000));
    egress.events.on('ended', ({ data: { connection, report } }) => {
      connections.inc({ outcome: connection.outcome });
      bytes.inc({ direction: 'up' }, report?.bytesUp ?? 0);
      bytes.inc({ direction: 'down' }, report?.bytesDown ?? 0);
    });
    gateway.answers.on('answer', ({ data: { status, durationMs, firstByteMs } }) => {
      const label = OWN.has(status) ? String(status) : `${Math.floor(status / 100)}xx`;
      duration.observe({ status: label }, durationMs / 1000);
      if (firstByteMs !== undefined) firstByte.observe(firstByteMs / 1000);
    });
  }
}
