/** The port to the service's batch endpoint: many requests handed over at once, answered within a day at half the price. */
import type { ErrorCode } from '../errors/catalogue.js';
import type { RouteFailure, UsageByModel } from './model-gateway.js';

/** One request of a batch. */
export interface BatchItem {
  /** By which its result is found again: 1 … 64 letters, digits, `-` and `_`. */
  id: string;
  /** As for `POST /v1/messages`, without `stream`. */
  request: object;
  /** Upper bound of its output tokens. */
  maxOutputTokens?: number;
}

/** How a batch stands at the service. */
export interface BatchProgress {
  ended: boolean;
  /** Where its results are, on this service; once it has ended. */
  resultsPath?: string;
}

/** What became of one request. */
export type ItemResult = { id: string } & (
  | { kind: 'answered'; message: unknown; usage: UsageByModel }
  | { kind: 'failed'; code: Extract<ErrorCode, 'E002' | 'E005'>; message: string }
  /** Not begun within the service's time limit, or before the batch was cancelled: not paid for. */
  | { kind: 'expired' | 'canceled' }
);

/** The service refused, could not be reached or was not understood, after the retries of the gateway. */
export class ServiceFailure extends Error implements RouteFailure {
  override readonly name = 'ServiceFailure';
  readonly code: RouteFailure['code'];
  readonly retryAfter?: number;

  /** @param isFinal the same would be refused again */
  constructor(
    { code, message, retryAfter }: RouteFailure,
    readonly isFinal: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.code = code;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

export abstract class MessageBatches {
  /**
   * Checks and bounds one request as the gateway does with those of a sandbox; answers it as `submit` takes it.
   * @throws ServiceFailure when it may not be asked
   */
  abstract pack(item: BatchItem): string;

  /** Hands packed requests over; answers the service's id of the batch. @throws ServiceFailure, AbortError */
  abstract submit(packed: readonly string[], signal: AbortSignal): Promise<string>;

  /** @throws ServiceFailure, AbortError */
  abstract look(batchId: string, signal: AbortSignal): Promise<BatchProgress>;

  /** In whatever order the service has them. @throws ServiceFailure, AbortError */
  abstract results(path: string, signal: AbortSignal): AsyncGenerator<ItemResult, void, void>;

  /** Idempotent: one that has ended stays as it is. @throws ServiceFailure, AbortError */
  abstract cancel(batchId: string, signal: AbortSignal): Promise<void>;
}
