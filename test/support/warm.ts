/** Looks at a server's warm places: what came of every claim, and whether one is ready. */
import { WarmPlaces, type WarmEvents } from '../../src/agents/warm-places.js';
import type { Caisson } from './caisson.js';
import { until } from './processes.js';

/** Milliseconds: a start takes half a second on a quiet machine. */
const START_TIMEOUT = 60_000;

export interface WarmWatch {
  places: WarmPlaces;
  /** What came of every claim so far. */
  outcomes: WarmEvents['claimed']['outcome'][];
  /** Resolves when so many places are ready. */
  ready(count: number): Promise<void>;
}

export function watchWarmPlaces(caisson: Caisson): WarmWatch {
  const places = caisson.app.get(WarmPlaces);
  const outcomes: WarmWatch['outcomes'] = [];
  places.events.on('claimed', ({ data }) => void outcomes.push(data.outcome));
  return { places, outcomes, ready: (count) => until(() => places.ready === count, START_TIMEOUT) };
}
