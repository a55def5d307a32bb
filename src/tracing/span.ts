/**
 * Spans by hand at the few places that tell where the time of an execution went. Without a tracing SDK (the default)
 * each of these does nothing. No span carries a prompt, a path, a header or an error's text: codes and sizes only.
 */
import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/** Who made a span, as trace stores show it. */
const SCOPE = 'caisson';

export interface SpanOptions {
  kind?: SpanKind;
  attributes?: Attributes;
  /** Whose child it is, when that is not what runs now. */
  parent?: Context;
  /** Epoch milliseconds, or a reading of `performance.now()`. */
  startTime?: number;
}

/** To be ended by the caller, who may be none of the async calls around. */
export const startSpan = (name: string, { parent = context.active(), ...options }: SpanOptions = {}): Span =>
  trace.getTracer(SCOPE).startSpan(name, options, parent);

/** Does the work in a span of its own: spans that it starts are children, its log lines carry the trace id. */
export async function inSpan<T>(
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const { parent = context.active() } = options;
  const span = startSpan(name, options);
  try {
    return await context.with(trace.setSpan(parent, span), () => work(span));
  } catch (error) {
    markFailed(span, errorType(error));
    throw error;
  } finally {
    span.end();
  }
}

/** A span of something that is over: all that is told of it is known. */
export function tellSpan(name: string, options: SpanOptions & { endTime: number }): void {
  startSpan(name, options).end(options.endTime);
}

/** @param type a code, never a text: texts can hold what a user wrote */
export const markFailed = (span: Span, type: string): Span =>
  span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR });

/** Of a call that was refused: what its caller did wrong is no failure of ours. @param status as HTTP answers it */
export const markRefused = (span: Span, { code, status }: { code: string; status: number }): Span =>
  status >= 500 ? markFailed(span, code) : span.setAttribute('error.type', code);

function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Of the span that runs now; undefined without tracing. */
export const currentTraceId = (): string | undefined => trace.getActiveSpan()?.spanContext().traceId;

/** What runs now, to be gone on from after a wait, in any process; undefined without tracing. */
export function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** Where spans go on from that was kept as a traceparent; the root when nothing was. */
export const contextOf = (traceparent: string | undefined): Context =>
  propagation.extract(ROOT_CONTEXT, { traceparent });

/** Of a W3C traceparent: `00-<trace id>-<span id>-<flags>`. */
export const traceIdOf = (traceparent: string | undefined): string | undefined => traceparent?.split('-')[1];
