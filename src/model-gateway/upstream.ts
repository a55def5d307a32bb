/** The model service: reused connections, the real key, and bounded retries before the first byte of an answer. */
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { Pool } from 'undici';
import { requestHeaders } from './headers.js';
import { isRetryable, parseRetryAfter, retryDelay } from './retry-policy.js';

export interface UpstreamOptions {
  /** Fixed by the server's configuration; may have a path prefix. */
  url: string;
  key: string;
  /** Repetitions of a failed try. */
  retries: number;
  /** Without a byte for so long, a try has failed. */
  timeoutMs: number;
}

export interface UpstreamRequest {
  /** `/v1/messages…`, with its query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  signal: AbortSignal;
}

export interface UpstreamAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** The answer's bytes as they come; to be read to the end or left by `break`. */
  chunks: AsyncIterable<Buffer>;
  /** Tries it took, from 1. */
  attempts: number;
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

  /** The text without the key, should the other side have repeated it. */
  redact(text: string): string {
    return text.replaceAll(this.options.key, '[redacted]');
  }

  /**
   * The first answer that is no passing failure, or the last one when the retries are used up.
   * @throws Error of the connection when there was no answer at all; AbortError
   */
  async send(request: UpstreamRequest): Promise<UpstreamAnswer> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.attempt(request).catch((error: unknown) =>
        asConnectionError(error, request.signal),
      );
      const last = attempt > this.options.retries;
      const failed = outcome instanceof Error;
      if (failed ? last || isTimeout(outcome) : last || !isRetryable(outcome.status, outcome.headers)) {
        if (failed) throw outcome;
        return { ...outcome, attempts: attempt };
      }
      const asked = failed ? undefined : parseRetryAfter(outcome.headers['retry-after']);
      const delay = retryDelay(attempt, asked, Math.random());
      if (!failed && delay === undefined) return { ...outcome, attempts: attempt };
      if (!failed) await outcome.discard();
      await wait(delay, undefined, { signal: request.signal });
    }
  }

  /** Ends every connection, also those in use. */
  async close(): Promise<void> {
    await this.pool.destroy();
  }

  /** One try, up to the first bytes of its body: a connection lost before them can still be tried again. */
  private async attempt({ path, headers, body, signal }: UpstreamRequest) {
    const answer = await this.pool.request({
      method: 'POST',
      path: this.prefix + path,
      headers: requestHeaders(headers, this.options.key),
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
