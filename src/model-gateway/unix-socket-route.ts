/** One open way to the model: an HTTP server on a unix socket, with its sums, its limits and its last failure. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { Logger } from '@nestjs/common';
import { listenFor } from '../sockets/listen-for.js';
import { context, type Context, SpanKind } from '@opentelemetry/api';
import { markFailed, startSpan } from '../tracing/span.js';
import { ApiError } from './api-error.js';
import { exchange, type ExchangeReport, type ExchangeRules } from './exchange.js';
import type {
  ModelAnswer,
  ModelRoute,
  ModelRouteOrder,
  ModelRouteUse,
  RouteFailure,
  UsageByModel,
} from './model-gateway.js';
import { OutputBudget } from './output-budget.js';
import { UsageLedger } from './usage-ledger.js';
import type { Endpoint } from './wire.js';

export interface RouteOptions extends Pick<ExchangeRules, 'upstream' | 'models'> {
  maxBodyBytes: number;
  socketPath: string;
  /** Requests under way at once. */
  maxRequests: number;
  /** Times that the model may be asked; undefined: any number. */
  maxTurns?: number;
  logger: Logger;
  onAnswer: (answer: ModelAnswer) => void;
  onClose: (route: ModelRoute) => void;
}

/** Of one sandbox at once: twice what its bridge (socat, 64 children) lets through. Each costs the server a descriptor. */
const MAX_CONNECTIONS = 128;

export class UnixSocketRoute implements ModelRoute {
  private readonly server: Server;
  private readonly ledger = new UsageLedger();
  private readonly bodies: ExchangeRules['bodies'];
  private readonly closing = new AbortController();
  private readonly underWay = new Set<Promise<void>>();
  private lastFailure?: RouteFailure;
  private bound?: { use: ModelRouteUse; rules: ExchangeRules; within: Context };

  private constructor(private readonly options: RouteOptions) {
    this.bodies = { bytes: 0, maxBytes: options.maxBodyBytes };
    this.server = createServer((request, response) => this.accept(request, response));
    // The only client is the agent, which may reuse its connection after a tool of any length; the route's end closes it.
    this.server.keepAliveTimeout = 0;
    this.server.maxConnections = MAX_CONNECTIONS;
  }

  /** @throws Error of the operating system when the socket cannot be made */
  static async open(order: ModelRouteOrder, options: RouteOptions): Promise<UnixSocketRoute> {
    const route = new UnixSocketRoute(options);
    try {
      await listenFor(route.server, options.socketPath, order.uid);
    } catch (error) {
      await route.close();
      throw error;
    }
    return route;
  }

  get socketPath(): string {
    return this.options.socketPath;
  }

  bind(use: ModelRouteUse): void {
    if (this.bound !== undefined) throw new Error('a way to the model serves one execution only');
    const { upstream, models, maxTurns } = this.options;
    const { maxOutputTokens: limit, after } = use;
    after?.catch(() => undefined); // told to every request that waits for it
    const budget = limit === undefined ? undefined : new OutputBudget(limit);
    const turns = maxTurns === undefined ? undefined : { left: maxTurns };
    const rules = { upstream, models, bodies: this.bodies, budget, turns };
    // Requests come over a socket, from nobody that is traced: their spans are those of whoever bound it.
    this.bound = { use, rules, within: context.active() };
  }

  usage(): UsageByModel {
    return this.ledger.sums();
  }

  failure(): RouteFailure | undefined {
    return this.lastFailure;
  }

  async close(): Promise<void> {
    this.closing.abort();
    if (this.server.listening) {
      const closed = once(this.server, 'close');
      this.server.close();
      this.server.closeAllConnections();
      await closed;
    }
    await Promise.all(this.underWay);
    this.options.onClose(this);
  }

  private accept(request: IncomingMessage, response: ServerResponse): void {
    // The CLI's probe of its base URL.
    if (request.method === 'HEAD' && request.url === '/') return void response.writeHead(200).end();
    const handled = this.handle(request, response)
      .catch((error: unknown) => this.options.logger.error(error))
      .finally(() => this.underWay.delete(handled));
    this.underWay.add(handled);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = performance.now();
    const report: ExchangeReport = { attempts: 0, bytesIn: 0, bytesHeld: 0, bytesOut: 0 };
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    const signal = AbortSignal.any([gone.signal, this.closing.signal]);
    try {
      const endpoint = this.admit(request);
      await exchange(request, response, endpoint, await this.rules(), report, signal);
    } catch (error) {
      this.refuse(error, response, signal, report);
    }
    this.settle(report);
    // What was refused before anybody asked for anything is nobody's answer.
    if (this.bound !== undefined) this.announce(request, response, startedAt, report);
  }

  /** @throws ApiError at once when this request may not go on: what is no request of ours is not parsed further */
  private admit({ method, url = '' }: IncomingMessage): Endpoint {
    const { wire } = this.options.upstream;
    const endpoint = method === 'POST' ? wire.endpoint(url) : undefined;
    if (endpoint === undefined) throw new ApiError(404, `this way leads to the ${wire.service} only`);
    if (this.underWay.size >= this.options.maxRequests)
      throw new ApiError(429, `more than ${this.options.maxRequests} requests at once`, { retry: true });
    return endpoint;
  }

  /** @throws ApiError when nobody has asked for anything, or what was asked for did not begin */
  private async rules(): Promise<ExchangeRules> {
    if (this.bound === undefined) throw new ApiError(400, 'nobody has asked for anything yet');
    const { use, rules } = this.bound;
    await use.after?.catch((cause: unknown) => {
      throw new ApiError(400, 'the execution did not begin', { cause });
    });
    return rules;
  }

  /** Answers the error while that can be done; an answer that has begun is cut, so that nobody takes it for whole. */
  private refuse(
    error: unknown,
    response: ServerResponse,
    signal: AbortSignal,
    { failure }: ExchangeReport,
  ): void {
    if (error instanceof ApiError && !response.headersSent && !signal.aborted) {
      error.send(response, this.options.upstream.wire);
      return;
    }
    response.destroy();
    if (failure === undefined && signal.aborted) return;
    this.options.logger.warn({
      msg: 'model answer cut',
      executionId: this.bound?.use.executionId,
      failure,
      err: error,
    });
  }

  private settle({ metered, failure }: ExchangeReport): void {
    if (failure !== undefined) this.lastFailure = failure;
    else if (metered?.complete === true) this.lastFailure = undefined;
    if (metered?.model === undefined) return;
    this.ledger.add(metered.model, metered.tokens);
    this.bound?.use.onUsage?.(this.ledger.sums());
  }

  private announce(
    { method, url = '' }: IncomingMessage,
    response: ServerResponse,
    startedAt: number,
    report: ExchangeReport,
  ) {
    const { firstByteAt, attempts, metered, bytesIn, bytesOut } = report;
    const answer: ModelAnswer = {
      path: this.options.upstream.wire.endpoint(url)?.label ?? 'other',
      status: statusOf(response, report),
      durationMs: performance.now() - startedAt,
      ...(firstByteAt === undefined ? {} : { firstByteMs: firstByteAt - startedAt }),
      attempts,
      ...(metered?.model === undefined ? {} : { model: metered.model }),
    };
    if (this.bound !== undefined) tellAnswer(answer, report, startedAt, this.bound.within);
    const executionId = this.bound?.use.executionId;
    this.options.logger.log({
      msg: 'model answer',
      executionId,
      method,
      ...answer,
      bytesIn,
      bytesOut,
      tokens: metered?.tokens,
    });
    this.options.onAnswer(answer);
  }
}

/** Told when it is over, from what was measured anyway. No prompt and no header is known here. */
function tellAnswer(
  { path, status, attempts, model, durationMs, firstByteMs }: ModelAnswer,
  { metered, failure }: ExchangeReport,
  startTime: number,
  parent: Context,
): void {
  const span = startSpan(`POST ${path}`, {
    kind: SpanKind.CLIENT,
    parent,
    startTime,
    attributes: {
      'http.request.method': 'POST',
      'url.template': path,
      'http.response.status_code': status,
      'caisson.upstream.attempts': attempts,
      'gen_ai.response.model': model,
      'gen_ai.usage.input_tokens': metered?.tokens.inputTokens,
      'gen_ai.usage.output_tokens': metered?.tokens.outputTokens,
    },
  });
  if (firstByteMs !== undefined) span.addEvent('first byte', startTime + firstByteMs);
  if (failure !== undefined) markFailed(span, failure.code);
  else if (status >= 400) markFailed(span, String(status));
  span.end(startTime + durationMs);
}

/** The status sent, or when the answer did not get through: whose fault it was. */
function statusOf(response: ServerResponse, { failure }: ExchangeReport): number {
  if (response.writableEnded && !response.destroyed) return response.statusCode;
  if (response.writableFinished) return response.statusCode;
  return failure === undefined ? 499 : 502;
}
