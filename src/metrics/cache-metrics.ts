/** Counts what the cache was good for. */
import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import { CacheEvents } from '../cache/cache-events.js';
import { CACHE_HITS_TOTAL, CACHE_MISSES_TOTAL } from './instruments.js';

@Injectable()
export class CacheMetrics {
  constructor(
    @InjectMetric(CACHE_HITS_TOTAL) hits: Counter,
    @InjectMetric(CACHE_MISSES_TOTAL) misses: Counter,
    events: CacheEvents,
  ) {
    events.on('hit', ({ data: { from } }) => hits.inc({ from }));
    events.on('missed', ({ data: { reason } }) => misses.inc({ reason }));
  }
}
