/** The shape of a row: what it measures, what must be reached, and how it is run. */
import { median } from './statistics.ts';

export type Unit = 'ms' | 'µs' | 'MB' | '%' | '×' | 'requests/s' | 'executions/s' | 'deliveries/s' | 'count';

/** What must be reached; of the median. */
export type Goal = { atMost: number } | { atLeast: number };

export interface Figure {
  /** What was measured, beside what. */
  name: string;
  unit: Unit;
  /** One value a round. */
  samples: readonly number[];
  goal?: Goal;
}

/** What a row has to work with. */
export interface Ground {
  /** The short form: a few rounds, small numbers; shows that the row works, not how fast anything is. */
  quick: boolean;
  /** Base URL of the stand-in for the Messages API. */
  model: string;
  /** A directory of the row's own, removed after it; sandboxes can pass through it. */
  directory: string;
  /** Progress, for who waits. */
  say: (line: string) => void;
}

export interface Row {
  name: string;
  measures: string;
  /** Why a goal is as it is, or what keeps it from being reached. */
  note?: string;
  /** What it needs and this machine has not; undefined when it can be run. */
  lacks?: () => string | undefined;
  run: (ground: Ground) => Promise<Figure[]>;
}

export function isReached({ samples, goal }: Figure): boolean {
  if (goal === undefined) return true;
  const value = median(samples);
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
}
