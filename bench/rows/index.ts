/** Every row of the table, in its order. */
import type { Row } from '../support/row.ts';
import { burst } from './burst.ts';
import { cache } from './cache.ts';
import { controlPlane } from './control-plane.ts';
import { deltaLatency } from './delta-latency.ts';
import { density } from './density.ts';
import { dryRun } from './dry-run.ts';
import { fanOut } from './fan-out.ts';
import { firstTokenCold } from './first-token-cold.ts';
import { firstTokenWarm } from './first-token-warm.ts';
import { history } from './history.ts';
import { hitRate } from './hit-rate.ts';
import { sandboxOverhead } from './sandbox-overhead.ts';
import { messages } from './messages.ts';
import { scaleFirstToken } from './scale-first-token.ts';
import { scaleQueue } from './scale-queue.ts';
import { scaleThroughput } from './scale-throughput.ts';
import { snapshot } from './snapshot.ts';
import { soak } from './soak.ts';

export const ROWS: readonly Row[] = [
  firstTokenWarm,
  firstTokenCold,
  messages,
  burst,
  hitRate,
  deltaLatency,
  fanOut,
  controlPlane,
  cache,
  history,
  snapshot,
  dryRun,
  density,
  soak,
  sandboxOverhead,
  scaleFirstToken,
  scaleThroughput,
  scaleQueue,
];
