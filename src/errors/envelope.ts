/** The response envelope of a call that made no execution. */
import { currentTraceId } from '../tracing/span.js';
import type { ErrorBody } from './claude-code.error.js';

/**
 * Same bytes for the same error, whoever asks and however long it took: an answer about somebody else's execution
 * must not differ from one about an unknown execution.
 * @param action the command that was asked for, '' when the call was not about one
 */
export const refusal = (action: string, error: ErrorBody) => ({
  success: false as const,
  action,
  error,
  // The trace id is the call's own, as its request id is; undefined, and not there, without tracing.
  metadata: { executionId: '', duration: 0, tokensUsed: 0, model: '', traceId: currentTraceId() },
});
