/** Counts and times what the warm places were good for. */
import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Histogram } from 'prom-client';
import { WarmPlaces } from '../agents/warm-places.js';
import { POOL_CLAIM, POOL_HITS, POOL_MISSES, POOL_START } from './instruments.js';

@Injectable()
export class WarmMetrics {
  constructor(
    @InjectMetric(POOL_HITS) hits: Counter,
    @InjectMetric(POOL_MISSES) misses: Counter,
    @InjectMetric(POOL_CLAIM) claim: Histogram,
    @InjectMetric(POOL_START) start: Histogram,
    places: WarmPlaces,
  ) {
    places.events.on('claimed', ({ data: { outcome, afterMs } }) => {
      if (outcome === 'hit') {
        hits.inc();
        claim.observe(afterMs / 1000);
      } else misses.inc({ reason: outcome });
    });
    places.events.on('started', ({ data }) => start.observe(data.afterMs / 1000));
  }
}
