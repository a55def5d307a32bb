/** Hands a handler the caller of the request. */
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { AuthenticatedRequest } from './auth.guard.js';
import type { Caller } from './principal.js';

/** `@CallerOf() caller: Caller`, on routes that are not public. */
export const CallerOf = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (request.principal === undefined) throw new Error('a public route has no caller');
  return { principal: request.principal, requestId: request.id, remoteAddress: request.ip ?? '' };
});
