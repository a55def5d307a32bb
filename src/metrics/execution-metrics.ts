/** Counts and times executions as they are announced, and refused calls. */
import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Counter, Histogram } from 'prom-client';
import { Config } from '../config/config.js';
import { Refusals } from '../errors/refusals.js';
import { type DomainEventMap, DomainEvents } from '../execution/domain-events.js';
import { DURATION, ERRORS, FIRST_TOKEN, QUEUE_WAIT, REQUESTS, TOKENS } from './instruments.js';
import { HELD } from '../execution/waiting.js';
import { modelLabel } from './model-label.js';

@Injectable()
export class ExecutionMetrics {
  constructor(
    @InjectMetric(REQUESTS) private readonly requests: Counter,
    @InjectMetric(ERRORS) private readonly errors: Counter,
    @InjectMetric(DURATION) private readonly duration: Histogram,
    @InjectMetric(TOKENS) private readonly tokens: Counter,
    @InjectMetric(QUEUE_WAIT) queueWait: Histogram,
    @InjectMetric(FIRST_TOKEN) firstToken: Histogram,
    private readonly config: Config,
    events: DomainEvents,
    refusals: Refusals,
  ) {
    events.on('execution.started', ({ data: { execution, waitedMs } }) =>
      // The hours at the model's service are no wait for a turn here.
      queueWait.observe(
        { priority: execution.parcelId === undefined ? execution.priority : HELD },
        waitedMs / 1000,
      ),
    );
    events.on('execution.first-token', ({ data }) => firstToken.observe(data.afterMs / 1000));
    events.on('execution.settled', ({ data }) => this.settled(data));
    refusals.on('refused', ({ data }) => this.errors.inc({ code: data.code }));
  }

  private settled({ execution, usage }: DomainEventMap['execution.settled']): void {
    const { action, status, errorCode, startedAt, endedAt } = execution;
    this.requests.inc({ action, status });
    if (errorCode !== undefined) this.errors.inc({ code: errorCode });
    if (startedAt !== undefined && endedAt !== undefined)
      this.duration.observe({ action }, (endedAt - startedAt) / 1000);
    for (const [name, use] of Object.entries(usage)) {
      const model = modelLabel(name, this.config);
      this.tokens.inc({ type: 'input', model }, use.inputTokens);
      this.tokens.inc({ type: 'output', model }, use.outputTokens);
      this.tokens.inc({ type: 'cache_creation', model }, use.cacheCreationTokens);
      this.tokens.inc({ type: 'cache_read', model }, use.cacheReadTokens);
    }
  }
}
