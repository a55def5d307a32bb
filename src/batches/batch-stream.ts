/** What readers of a batch get: the events of all its executions as one stream, or its results in order. */
import { Injectable } from '@nestjs/common';
import { EventLog } from '../execution/event-log.js';
import type { BatchEvent, BatchGap } from '../execution/execution-event.js';
import type { Execution } from '../execution/execution.js';
import { ExecutionService } from '../execution/execution-service.js';
import { isEnd } from '../execution/execution-state.js';
import { type Batch, hasEnded } from './batch.js';
import { type BatchView, viewOf } from './batch.dto.js';
import { BatchService } from './batch-service.js';

/** How the batch stands; without a number of its own: it is told anew to whoever comes again. */
export interface BatchUpdated {
  batchId: string;
  /** Epoch milliseconds. */
  at: number;
  type: 'batch.updated';
  data: BatchView;
}

/** The last item, with the number after the last event's. */
export interface BatchFinished extends Omit<BatchUpdated, 'type'> {
  batchSeq: number;
  type: 'batch.finished';
}

export type BatchItem = BatchEvent | BatchGap | BatchUpdated | BatchFinished;

/** The number to resume after. */
export const itemNumber = (item: BatchItem): number | undefined =>
  item.type === 'stream.gap' || item.type === 'batch.updated' ? undefined : item.batchSeq;

/** One line of the results. */
export type BatchResult = Pick<Execution, 'status' | 'response'> & { position: number; executionId: string };

/** Executions read at a time: each may hold an answer of some megabytes. */
const PAGE = 20;

@Injectable()
export class BatchStream {
  constructor(
    private readonly batches: BatchService,
    private readonly executions: ExecutionService,
    private readonly log: EventLog,
  ) {}

  /**
   * Everything after a number, then live, ending after `batch.finished`. How the batch stands is told first, and again
   * whenever one of its executions starts or ends. Stops early, without an error, when `signal` is aborted.
   */
  async *events(batch: Batch, after: number, signal: AbortSignal): AsyncGenerator<BatchItem, void, void> {
    let view = viewOf(batch, await this.batches.stateOf(batch));
    if (!hasEnded(view)) yield updated(view);
    for await (const event of this.log.followBatch(batch.id, after, signal)) {
      yield event;
      if (!changesState(event) || event.batchSeq < batch.lastSeq) continue;
      view = viewOf(batch, await this.batches.stateOf(batch));
      if (!hasEnded(view)) yield updated(view);
    }
    if (signal.aborted) return;
    const { lastSeq } = await this.batches.reload(batch);
    if (after > lastSeq) return;
    view = viewOf(batch, await this.batches.stateOf(batch));
    yield { batchId: batch.id, batchSeq: lastSeq + 1, at: Date.now(), type: 'batch.finished', data: view };
  }

  /**
   * One line for each request, in their order.
   * @param wait for each until it has ended; otherwise those that have not are left out
   */
  async *results(batch: Batch, wait: boolean, signal: AbortSignal): AsyncGenerator<BatchResult, void, void> {
    // From the number at which the batch was read: no end that came since can be missed.
    const events = this.log.followBatch(batch.id, batch.lastSeq, signal);
    try {
      for (let position = 0; position < batch.total && !signal.aborted;) {
        const page = await this.executions.ofBatch(batch.id, position, PAGE);
        if (page.length === 0) return;
        for (const execution of page) {
          position = (execution.position ?? position) + 1;
          const ended = wait ? await this.ended(execution, events) : execution;
          if (isEnd(ended.status)) yield resultOf(ended);
          else if (wait) return; // its reader has left
        }
      }
    } finally {
      await events.return();
    }
  }

  /** The execution as it is once it has ended, or as it is when nothing will be told any more. */
  private async ended(
    execution: Execution,
    events: AsyncGenerator<BatchEvent | BatchGap, void, void>,
  ): Promise<Execution> {
    let now = execution;
    for (let done: boolean | undefined = false; !isEnd(now.status) && done !== true;) {
      const next = await events.next();
      done = next.done;
      if (done === true || next.value?.type === 'stream.gap' || next.value?.type === 'execution.finished')
        now = await this.executions.reload(now);
    }
    return now;
  }
}

const updated = (view: BatchView): BatchUpdated => ({
  batchId: view.id,
  at: Date.now(),
  type: 'batch.updated',
  data: view,
});

const changesState = (event: BatchEvent | BatchGap): boolean =>
  event.type === 'execution.started' || event.type === 'execution.finished' || event.type === 'stream.gap';

const resultOf = ({ position = 0, id, status, response }: Execution): BatchResult => ({
  position,
  executionId: id,
  status,
  response,
});
