/** Recognises the same request: equal for bodies that differ only in the order of their fields. */
import { createHash } from 'node:crypto';
import stringify from 'safe-stable-stringify';
import type { ClaudeCodeRequest } from '../commands/claude-code-request.js';

/** SHA-256, hex. */
export const requestHash = (request: ClaudeCodeRequest): string =>
  createHash('sha256').update(stringify(request)).digest('hex');
