/** The events of an execution as a client meets them: a type that tells its data. */
import type { components } from './api.js';

type Schemas = components['schemas'];

interface Event<Type extends Schemas['EventView']['type'], Data> {
  executionId: string;
  /** 1, 2, 3 … without holes. */
  seq: number;
  /** Epoch milliseconds. */
  at: number;
  type: Type;
  /** With `truncated: true` it is cut; `client.event(id, seq)` has it whole. */
  data: Data & { truncated?: boolean };
}

export interface ModelUsage {
  inputTokens: number;
  outputTokens: number;
  cacheCreationTokens: number;
  cacheReadTokens: number;
  /** US dollars; absent when the model has no known price. */
  costUsd?: number;
}

export type FinishedEvent = Event<
  'execution.finished',
  {
    status: Extract<Schemas['ExecutionView']['status'], 'succeeded' | 'failed' | 'cancelled' | 'timed_out'>;
    response: Schemas['ClaudeCodeResponse'];
  }
>;

export type ExecutionEvent =
  | Event<'execution.queued', { action: string; projectId: string; model: string }>
  | Event<'execution.started', { attempt: number; engine: string; access: string }>
  | Event<'agent.text', { text: string }>
  | Event<'agent.thinking', { text: string }>
  | Event<'agent.tool_use', { id: string; name: string; input: unknown }>
  | Event<'agent.tool_result', { id: string; output: string; isError: boolean }>
  /** With the engine `hybrid`: who carries it out from here on, and why. */
  | Event<
      'agent.engine',
      { name: string; score: number; threshold: number; reasons: string[]; handedOver?: true }
    >
  | Event<'workspace.changed', { files: { path: string; action: string; size: number }[] }>
  /** Sums so far, by model. */
  | Event<'usage.updated', { models: Record<string, ModelUsage> }>
  | FinishedEvent;

/** One line of a batch's stream: an event with its second number, or how the batch stands. */
export type BatchItem =
  | (ExecutionEvent & {
      batchId: string;
      /** 1, 2, 3 … without holes, over all executions of the batch. */
      batchSeq: number;
      /** Of its execution in the batch: 0, 1, 2 … */
      position: number;
    })
  | { type: 'batch.updated'; batchId: string; at: number; data: Schemas['BatchView'] }
  | { type: 'batch.finished'; batchId: string; batchSeq: number; at: number; data: Schemas['BatchView'] };
