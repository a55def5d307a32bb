/** Turns a defect into E099: an id for the caller, the whole error for the log. */
import { randomUUID } from 'node:crypto';
import { ClaudeCodeError } from './claude-code.error.js';

export const internalError = (cause: unknown): ClaudeCodeError =>
  new ClaudeCodeError('E099', 'Something went wrong that should not have.', {
    details: { errorId: randomUUID() },
    cause,
  });
