/** What the model's service says of a request that has no answer, as errors of the catalogue. */
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { ItemResult, ServiceFailure } from '../../model-gateway/message-batches.js';

/** Seconds, when the service names none. */
const RETRY_AFTER = 60;

export const asError = (failure: Pick<ServiceFailure, 'code' | 'message' | 'retryAfter'>, cause?: unknown) =>
  new ClaudeCodeError(failure.code, sentence(failure.message), {
    ...(failure.code === 'E002' || failure.retryAfter !== undefined
      ? { retryAfter: failure.retryAfter ?? RETRY_AFTER }
      : {}),
    cause: cause ?? failure,
  });

export const overdue = () =>
  new ClaudeCodeError('E001', 'The longest wait for the model service ended it (ECONOMY_WAIT_MS).');

export const noResult = () =>
  new ClaudeCodeError('E005', 'The model service ended the batch without a result for it.');

/** @param isOverdue whether it was cancelled for the longest wait */
export function errorOf(
  result: Exclude<ItemResult, { kind: 'answered' }>,
  isOverdue: boolean,
): ClaudeCodeError {
  switch (result.kind) {
    case 'failed':
      return asError(result);
    case 'expired':
      return new ClaudeCodeError('E001', 'The model service did not come to it within its 24 hours.');
    case 'canceled':
      return isOverdue ? overdue() : new ClaudeCodeError('E013', 'It was cancelled at the model service.');
  }
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
