/** Gives every HTTP request its id, and the log one line about it when it is over. */
import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { currentTraceId } from '../tracing/span.js';
import type { Log } from './log.js';
import { logContext } from './log-context.js';

/** Express's request once it has passed here. */
export type IdentifiedRequest = Request & { id: string };

/** What a client may choose as a request id: nothing that could forge a log line. */
const SAFE_ID = /^[\w.:-]{1,128}$/;

/** Must come before everything else, the body parser too: refusals carry the id as well. */
export function requestLog(log: Log): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    const id = requestIdOf(request);
    Object.assign(request, { id });
    response.setHeader('X-Request-Id', id);
    const traceId = currentTraceId();
    const startedAt = performance.now();
    const bytesBefore = response.socket?.bytesWritten ?? 0;
    response.once('close', () => {
      const line = {
        msg: 'request',
        requestId: id,
        traceId,
        method: request.method,
        // Never the query: it is where people put keys.
        path: request.originalUrl.split('?', 1)[0],
        status: response.statusCode,
        ms: Math.round(performance.now() - startedAt),
        bytes: (request.socket.bytesWritten || bytesBefore) - bytesBefore,
        userId: (request as Request & { principal?: { userId: string } }).principal?.userId,
        errorCode: response.locals.errorCode as string | undefined,
        // The caller left before the answer was complete.
        aborted: response.writableFinished ? undefined : true,
      };
      if (request.originalUrl.startsWith('/health')) log.debug(line, 'http');
      else log.log(line, 'http');
    });
    logContext.run({ requestId: id }, next);
  };
}

/** Nothing is sorted by it, so it need not be a UUIDv7, which took 12 µs to make instead of 0.4: 3 % of a plain call. */
function requestIdOf(request: Request): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SAFE_ID.test(given) ? given : randomUUID();
}
