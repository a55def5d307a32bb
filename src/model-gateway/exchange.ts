/** One request of the agent on its way to the model and back: checked, clamped, sent, streamed and metered. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AnswerMeter, type MeteredAnswer } from './answer-meter.js';
import { ApiError } from './api-error.js';
import { answerHeaders } from './headers.js';
import type { RouteFailure } from './model-gateway.js';
import type { OutputBudget } from './output-budget.js';
import { isRetryable } from './retry-policy.js';
import { failureOf, MAX_ERROR_BYTES, readUpTo, unreachable } from './service-answer.js';
import { isTimeout, type Upstream, type UpstreamAnswer } from './upstream.js';
import type { Ask, Endpoint } from './wire.js';
import type { AnswerReader } from './tally.js';

export interface ExchangeRules {
  upstream: Upstream;
  models: readonly string[];
  /** Bytes of the bodies under way on this route, and how many there may be: they are kept in memory. */
  bodies: { bytes: number; readonly maxBytes: number };
  budget?: OutputBudget;
  /** Times that the model may still be asked; undefined: any number. */
  turns?: { left: number };
}

/** What came of it, filled in as it goes: an exchange that is cut short still tells what was seen. */
export interface ExchangeReport {
  attempts: number;
  firstByteAt?: number;
  bytesIn: number;
  /** Those of them that are kept in memory. */
  bytesHeld: number;
  bytesOut: number;
  metered?: MeteredAnswer;
  failure?: RouteFailure;
}

/**
 * Carries one request through; `report` is filled in along the way.
 * @throws ApiError when the gateway itself refuses, before a byte of the answer; any other error after that
 */
export async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  endpoint: Endpoint,
  rules: ExchangeRules,
  report: ExchangeReport,
  signal: AbortSignal,
): Promise<void> {
  try {
    const body = await readBody(request, rules.bodies, report);
    await forward(
      request,
      response,
      { endpoint, asked: endpoint.read(body, rules.models) },
      rules,
      report,
      signal,
    );
  } finally {
    rules.bodies.bytes -= report.bytesHeld;
  }
}

async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { endpoint, asked }: { endpoint: Endpoint; asked: Ask },
  { upstream, budget, turns }: ExchangeRules,
  report: ExchangeReport,
  signal: AbortSignal,
): Promise<void> {
  const { path, spends } = endpoint;
  if (spends && turns !== undefined && turns.left-- <= 0) throw usedUp(report, 'model turns');
  const limited = spends ? budget : undefined;
  const granted = await limited?.reserve(asked.maxTokens ?? Infinity, signal);
  try {
    if (granted === 0) throw usedUp(report, 'output tokens');
    const answer = await ask(
      upstream,
      {
        path,
        headers: request.headers,
        body: JSON.stringify(asked.body(granted)),
        signal,
        onAttempt: () => report.attempts++,
      },
      report,
    );
    if (answer.status >= 400) await passError(answer, response, upstream, report);
    else await passAnswer(answer, response, endpoint.reader, report, signal);
  } finally {
    if (granted !== undefined) limited?.settle(granted, report.metered?.tokens.outputTokens ?? 0);
  }
}

function usedUp(report: ExchangeReport, what: string): ApiError {
  report.failure = { code: 'E011', message: `the ${what} of this execution are used up` };
  return new ApiError(402, report.failure.message);
}

async function readBody(
  request: IncomingMessage,
  bodies: ExchangeRules['bodies'],
  report: ExchangeReport,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let refusal: ApiError | undefined;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    report.bytesIn += chunk.length;
    // Read to its end all the same: a client that is still writing would not read its refusal.
    if (refusal !== undefined) continue;
    report.bytesHeld += chunk.length;
    bodies.bytes += chunk.length;
    chunks.push(chunk);
    if (report.bytesHeld > bodies.maxBytes)
      refusal = new ApiError(413, `the request is larger than ${bodies.maxBytes} bytes`);
    else if (bodies.bytes > bodies.maxBytes)
      refusal = new ApiError(429, 'the requests under way are too large together', { retry: true });
  }
  if (refusal !== undefined) throw refusal;
  return Buffer.concat(chunks);
}

async function ask(
  upstream: Upstream,
  request: Parameters<Upstream['send']>[0],
  report: ExchangeReport,
): Promise<UpstreamAnswer> {
  try {
    const answer = await upstream.send(request);
    report.firstByteAt = performance.now();
    return answer;
  } catch (error) {
    request.signal.throwIfAborted();
    report.failure = unreachable(error);
    throw new ApiError(isTimeout(error) ? 504 : 502, report.failure.message);
  }
}

/** Upstream's error to the agent, marked as final: what could be retried has been. */
async function passError(
  answer: UpstreamAnswer,
  response: ServerResponse,
  upstream: Upstream,
  report: ExchangeReport,
): Promise<void> {
  const read = await readUpTo(answer.chunks, MAX_ERROR_BYTES);
  report.bytesOut += read.length;
  const body = upstream.redact(read.toString('utf8')).slice(0, MAX_ERROR_BYTES);
  report.failure = failureOf(answer, body);
  if (upstream.wire.final === 'status' && isRetryable(answer.status))
    throw new ApiError(502, report.failure.message);
  response.writeHead(answer.status, { ...answerHeaders(answer.headers), 'x-should-retry': 'false' });
  response.end(body);
}

/** Upstream's answer to the agent, byte for byte and at its pace, with the meter beside it. */
async function passAnswer(
  answer: UpstreamAnswer,
  response: ServerResponse,
  reader: AnswerReader,
  report: ExchangeReport,
  signal: AbortSignal,
): Promise<void> {
  const kind = meterable(answer);
  if (kind === undefined) {
    report.failure = {
      code: 'E005',
      message: 'the model service answered with something that cannot be metered',
    };
    throw new ApiError(502, report.failure.message);
  }
  const meter = new AnswerMeter(kind, reader);
  response.writeHead(answer.status, answerHeaders(answer.headers));
  const upstreamEnd = { cut: false };
  async function* metered(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of answer.chunks) {
        report.bytesOut += chunk.length;
        meter.feed(chunk);
        yield chunk;
      }
    } catch (error) {
      // Cut behind its last event (a length that lies, a reset instead of an end), it is whole: paid, and not asked again.
      if (kind === 'events' && !signal.aborted && meter.result().complete) return;
      upstreamEnd.cut = !signal.aborted;
      throw error;
    }
  }
  try {
    await pipeline(metered, response, { signal });
  } finally {
    report.metered = meter.result();
    const { errorType, complete } = report.metered;
    if (errorType !== undefined)
      report.failure = { code: 'E005', message: `the model service broke off its answer: ${errorType}` };
    else if (upstreamEnd.cut || (kind === 'events' && !complete && !signal.aborted))
      report.failure = { code: 'E005', message: 'the answer of the model service ended early' };
  }
}

function meterable({ headers }: UpstreamAnswer): 'events' | 'json' | undefined {
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    return undefined;
  if (headers['content-type']?.startsWith('text/event-stream')) return 'events';
  return headers['content-type']?.startsWith('application/json') ? 'json' : undefined;
}
