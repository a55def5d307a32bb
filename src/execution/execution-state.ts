/** The states of an execution and the only ways between them. */
import type { ErrorCode } from '../errors/catalogue.js';

export const EXECUTION_STATUSES = [
  'queued',
  'starting',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'timed_out',
] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** From each state, the states that may follow. The last four are ends: nothing follows them. */
export const TRANSITIONS = {
  queued: ['starting', 'cancelled', 'failed', 'timed_out'],
  starting: ['running', 'failed', 'cancelled', 'timed_out', 'queued'],
  running: ['succeeded', 'failed', 'cancelled', 'timed_out', 'queued'],
  succeeded: [],
  failed: [],
  cancelled: [],
  timed_out: [],
} as const satisfies Record<ExecutionStatus, readonly ExecutionStatus[]>;

export type EndStatus = 'succeeded' | 'failed' | 'cancelled' | 'timed_out';

export const isEnd = (status: ExecutionStatus): status is EndStatus => TRANSITIONS[status].length === 0;

/** The states from which `to` may be reached: the WHERE of every guarded update. */
export const statesBefore = (to: ExecutionStatus): ExecutionStatus[] =>
  EXECUTION_STATUSES.filter((from) => (TRANSITIONS[from] as readonly ExecutionStatus[]).includes(to));

/** The end that an error code stands for. */
export const endOf = (code: ErrorCode): EndStatus =>
  code === 'E001' ? 'timed_out' : code === 'E013' ? 'cancelled' : 'failed';
