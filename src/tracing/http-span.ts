/** The span of an HTTP request: goes on from the caller's `traceparent`, and tells the trace id in the answer. */
import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import type { NextFunction, Request, Response } from 'express';
import { markFailed, markRefused, startSpan } from './span.js';

/** Asked every few seconds by machines: they would be most of all traces and tell nothing. */
const UNTRACED = /^\/(?:health\/|metrics(?:$|\?))/;

/** Must come before the request's log line, which carries the trace id. */
export function httpSpan(request: Request, response: Response, next: NextFunction): void {
  if (UNTRACED.test(request.originalUrl)) return next();
  const parent = propagation.extract(ROOT_CONTEXT, request.headers);
  const { method } = request;
  const span = startSpan(method, {
    kind: SpanKind.SERVER,
    parent,
    attributes: { 'http.request.method': method },
  });
  response.setHeader('X-Trace-Id', span.spanContext().traceId);
  response.once('close', () => {
    // The route's pattern, never the path: that may hold the names of users' files.
    const route = (request.route as { path?: unknown } | undefined)?.path;
    if (typeof route === 'string') span.updateName(`${method} ${route}`).setAttribute('http.route', route);
    span.setAttribute('http.response.status_code', response.statusCode);
    // The caller left before the answer was complete.
    if (!response.writableFinished) span.setAttribute('caisson.aborted', true);
    const errorCode: unknown = response.locals.errorCode;
    const status = response.statusCode;
    if (typeof errorCode === 'string') markRefused(span, { code: errorCode, status });
    else if (status >= 500) markFailed(span, String(status));
    span.end();
  });
  context.with(trace.setSpan(parent, span), next);
}
