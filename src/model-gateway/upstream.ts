/** The model service: reused connections, the real key, and bounded retries before the first byte of an answer. */
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { Pool } from 'undici';
import { requestHeaders } from './headers.js';
import type { Wire } from './wire.js';
import { isRetryable, parseRetryAfter, retryDelay } from './retry-policy.js';

export interface UpstreamOptions {
  /** Fixed by the server's configuration; may have a path prefix. */
  url: string;
  key: string;
  wire: Wire;
  /** Repetitions of a failed try. */
  retries: number;
  /** Without a byte for so long, a try has failed. */
  timeoutMs: number;
}

export interface UpstreamRequest {
  /** By default POST. */
  method?: 'GET' | 'POST';
  /** Below the URL, with its query. */
  path: string;
  headers: IncomingHttpHeaders;
  body?: string;
  signal: AbortSignal;
  /** Called at each try. */
  onAttempt?: () => void;
}

export interface UpstreamAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** The answer's bytes as they come; to be read to the end or left by `break`. */
  chunks: AsyncIterable<Buffer>;
}

/** Connections that stay open between an agent's turns: most tools answer within a minute. */
const KEEP_ALIVE_MS = 60_000;

export class Upstream {
  private readonly pool: Pool;
  private readonly prefix: string;

  constructor(private readonly options: UpstreamOptions) {
    const { origin, pathname } = new URL(options.url);
    this.prefix = pathname.replace(/\/$/, '');
    this.pool = new Pool(origin, {
      // One answer per connection: a slow reader of one stream can't hold up another's.
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
      connectTimeout: Math.min(10_000, options.timeoutMs),
    });
  }

  get wire(): Wire {
    return this.options.wire;
  }

  /** The text without the key, should the other side have repeated it. */
  redact(text: string): string {
    return text.replaceAll(this.options.key, '[redacted]');
  }

  /** The path of an address as this service is asked for it, whatever host it names: the key goes to no other one. */
  pathOf(address: string): string {
    const { pathname, search } = new URL(address, this.options.url);
    const path = pathname.startsWith(`${this.prefix}/`) ? pathname.slice(this.prefix.length) : pathname;
    return path + search;
  }

  /**
   * The first answer that is no passing failure, or the last one when the retries are used up.
   * @throws Error of the connection when there was no answer at all; AbortError
   */
  async send(request: UpstreamRequest): Promise<UpstreamAnswer> {
    for (let attempt = 1; ; attempt++) {
      request.onAttempt?.();
      const outcome = await this.attempt(request).catch((error: unknown) =>
        asConnectionError(error, request.signal),
      );
      const delay = attempt > this.options.retries ? undefined : delayAfter(outcome, attempt);
      if (delay === undefined) {
        if (outcome instanceof Error) throw outcome;
        return outcome;
      }
      if (!(outcome instanceof Error)) await outcome.discard();
      await wait(delay, undefined, { signal: request.signal });
    }
  }

  /** Ends every connection, also those in use. */
  async close(): Promise<void> {
    await this.pool.destroy();
  }

  /** One try, up to the first bytes of its body: a connection lost before them can still be tried again. */
  private async attempt({ method = 'POST', path, headers, body, signal }: UpstreamRequest) {
    const answer = await this.pool.request({
      method,
      path: this.prefix + path,
      headers: requestHeaders(headers, this.options.wire, this.options.key),
      body,
      signal,
    });
    const iterator: AsyncIterator<Buffer> = answer.body[Symbol.asyncIterator]();
    const first = await iterator.next();
    return {
      status: answer.statusCode,
      headers: answer.headers,
      chunks: startingWith(first, iterator),
      discard: async () => {
        await iterator.return?.();
      },
    };
  }
}

/** Milliseconds until the next try; undefined when this outcome is final. */
function delayAfter(outcome: Error | UpstreamAnswer, attempt: number): number | undefined {
  if (outcome instanceof Error)
    return isTimeout(outcome) ? undefined : retryDelay(attempt, undefined, Math.random());
  if (!isRetryable(outcome.status, outcome.headers)) return undefined;
  return retryDelay(attempt, parseRetryAfter(outcome.headers['retry-after']), Math.random());
}

async function* startingWith(
  first: IteratorResult<Buffer>,
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** What a try failed with; an abort is no failure of the connection and goes through. */
function asConnectionError(error: unknown, signal: AbortSignal): Error {
  signal.throwIfAborted();
  return error instanceof Error ? error : new Error(String(error));
}

/** Not retried: the service may still be working on the request, and bill it. */
export function isTimeout(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^UND_ERR_(HEADERS|BODY)_TIMEOUT$/.test((error as NodeJS.ErrnoException).code ?? '')
  );
}
