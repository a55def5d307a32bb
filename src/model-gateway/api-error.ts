/** What the gateway itself answers to the agent: errors, in the shape of its provider. */
import type { ServerResponse } from 'node:http';
import { isRetryable } from './retry-policy.js';
import type { Wire } from './wire.js';

/** HTTP statuses the gateway answers by itself. */
type Status = 400 | 402 | 404 | 413 | 429 | 502 | 504;

export interface ApiErrorOptions {
  /** Whether the client may try the same again; false is sent as `x-should-retry: false`, which Anthropic's and OpenAI's honour. */
  retry?: boolean;
  cause?: unknown;
}

/** An answer that the gateway gives instead of upstream's. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: Status;
  readonly retry: boolean;

  constructor(status: Status, message: string, { retry = false, cause }: ApiErrorOptions = {}) {
    super(message, { cause });
    this.status = status;
    this.retry = retry;
  }

  send(response: ServerResponse, wire: Wire): void {
    // What nobody is to try again is told by a status that nobody does, where the header is not honoured.
    const final = !this.retry && wire.final === 'status' && isRetryable(this.status);
    const status = final ? 400 : this.status;
    const body = JSON.stringify(wire.error(status, this.message));
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...(this.retry ? { 'retry-after': '1' } : { 'x-should-retry': 'false' }),
    });
    response.end(body);
  }
}
