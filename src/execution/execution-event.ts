/** The numbered facts of an execution: a closed vocabulary, the same in the log, over SSE and over socket.io. */
import type { AgentEvent } from '../agents/agent-engine.js';
import type { ClaudeCodeResponse } from '../commands/claude-code-response.js';
import type { UsageByModel } from '../model-gateway/model-gateway.js';
import type { EndStatus } from './execution-state.js';

/** What is recorded: a type with its data. The log adds number and time. */
export type Fact =
  | { type: 'execution.queued'; data: { action: string; projectId: string; model: string } }
  | { type: 'execution.started'; data: { attempt: number; engine: string; access: string } }
  | AgentEvent
  | { type: 'workspace.changed'; data: { files: { path: string; action: string; size: number }[] } }
  | { type: 'usage.updated'; data: { models: UsageByModel } }
  | { type: 'execution.finished'; data: { status: EndStatus; response: ClaudeCodeResponse } };

export type ExecutionEvent = Fact & {
  executionId: string;
  /** 1, 2, 3 … without holes. */
  seq: number;
  /** Epoch milliseconds. */
  at: number;
};

/** Where an event stands in the stream of its execution's batch. */
export interface BatchPlace {
  batchId: string;
  /** 1, 2, 3 … without holes, over all executions of the batch. */
  batchSeq: number;
  /** Of its execution in the batch: 0, 1, 2 … */
  position: number;
}

export type BatchEvent = ExecutionEvent & BatchPlace;

/** What the log has stored, to be handed to the readers once it is committed. */
export interface RecordedEvent {
  event: ExecutionEvent;
  place?: BatchPlace;
}

/** Told to a reader that was too slow: the events after `after` and before `before` must be fetched from the log. */
export interface StreamGap {
  executionId: string;
  /** The last number this reader was given: the place to resume from. */
  seq: number;
  at: number;
  type: 'stream.gap';
  data: { after: number; before: number };
}

/** The same, of the numbers of a batch. */
export interface BatchGap
  extends Pick<BatchPlace, 'batchId' | 'batchSeq'>, Omit<StreamGap, 'executionId' | 'seq'> {}

export type StreamItem = ExecutionEvent | StreamGap;

export const EVENT_TYPES = [
  'execution.queued',
  'execution.started',
  'agent.text',
  'agent.thinking',
  'agent.tool_use',
  'agent.tool_result',
  'agent.engine',
  'workspace.changed',
  'usage.updated',
  'execution.finished',
  'stream.gap',
] as const satisfies StreamItem['type'][];
