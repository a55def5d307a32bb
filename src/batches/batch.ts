/** What a batch is, and how its state follows from those of its executions. */
import type { ExecutionStatus } from '../execution/execution-state.js';
import type { Tally } from '../execution/execution-store.js';

/** `economy`: it can wait, and goes through the batch endpoint of the model's service, at half the price. */
export const BATCH_MODES = ['standard', 'economy'] as const;
export type BatchMode = (typeof BATCH_MODES)[number];

export interface Batch {
  /** UUIDv7. */
  id: string;
  /** Whose key asked. */
  userId: string;
  keyId: string;
  requestId: string;
  mode: BatchMode;
  /** Requests it was made of. */
  total: number;
  /** Number of the last event of its executions. */
  lastSeq: number;
  /** Epoch milliseconds. */
  createdAt: number;
}

export const BATCH_STATUSES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];
export type BatchCounts = Record<BatchStatus, number>;

/** Where an execution is counted. */
const COUNTED_AS = {
  queued: 'queued',
  starting: 'running',
  running: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  timed_out: 'failed',
  cancelled: 'cancelled',
} as const satisfies Record<ExecutionStatus, BatchStatus>;

export interface BatchState {
  status: BatchStatus;
  counts: BatchCounts;
  /** Ended ÷ total, 0 … 1. */
  progress: number;
  /** Epoch milliseconds: the first start, and the last end once all have ended. */
  startedAt?: number;
  endedAt?: number;
}

export const STATUS_RULE =
  'queued: none has started. running: some have not ended. Then cancelled when any was cancelled, else failed when any failed or timed out, else succeeded.';

/** Executions that are gone (RETENTION_DAYS) had ended. */
export function stateOf({ total }: Batch, tallies: readonly Tally[]): BatchState {
  const counts: BatchCounts = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
  for (const { status, count } of tallies) counts[COUNTED_AS[status]] += count;
  const open = counts.queued + counts.running;
  const starts = tallies.flatMap(({ startedAt }) => startedAt ?? []);
  const ends = tallies.flatMap(({ endedAt }) => endedAt ?? []);
  return {
    status: statusOf(counts, total),
    counts,
    progress: (total - open) / total,
    ...(starts.length > 0 ? { startedAt: Math.min(...starts) } : {}),
    ...(open === 0 && ends.length > 0 ? { endedAt: Math.max(...ends) } : {}),
  };
}

function statusOf(counts: BatchCounts, total: number): BatchStatus {
  if (counts.queued === total) return 'queued';
  if (counts.queued + counts.running > 0) return 'running';
  if (counts.cancelled > 0) return 'cancelled';
  return counts.failed > 0 ? 'failed' : 'succeeded';
}

export const hasEnded = ({ status }: BatchState): boolean => status !== 'queued' && status !== 'running';
