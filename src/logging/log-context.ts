/** What every log line within a request or an execution carries, without being handed from function to function. */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface LogContext {
  requestId?: string;
  executionId?: string;
}

/** `logContext.run({ requestId, executionId }, work)`: all that `work` logs, also later, carries both. */
export const logContext = new AsyncLocalStorage<LogContext>();
