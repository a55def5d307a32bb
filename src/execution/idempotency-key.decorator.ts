/** The Idempotency-Key header of a request, checked. */
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { ClaudeCodeError } from '../errors/claude-code.error.js';

/** Printable ASCII, as the header's draft has it (draft-ietf-httpapi-idempotency-key-header); long enough for any id. */
const KEY_PATTERN = /^[\x21-\x7e]{1,255}$/;

/** null when there is none. @throws ClaudeCodeError E003 */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext): string | null => {
  const key = context.switchToHttp().getRequest<Request>().header('idempotency-key');
  if (key !== undefined && !KEY_PATTERN.test(key)) {
    const problem = 'must be 1 to 255 visible ASCII characters';
    throw new ClaudeCodeError('E003', `Idempotency-Key ${problem}`, {
      details: [{ field: 'Idempotency-Key', problem }],
    });
  }
  return key ?? null;
});
