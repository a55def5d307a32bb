/** Errors in the shape of the Messages API: what the gateway itself answers to the agent. */
import type { ServerResponse } from 'node:http';

/** HTTP statuses the gateway answers by itself, with the `error.type` that Anthropic's API documents for them. */
const TYPES = {
  400: 'invalid_request_error',
  402: 'billing_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  502: 'api_error',
  504: 'timeout_error',
} as const;

export interface ApiErrorOptions {
  /** Whether the client may try the same again; false is sent as `x-should-retry: false`, which the CLI honours. */
  retry?: boolean;
  cause?: unknown;
}

/** An answer that the gateway gives instead of upstream's. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: keyof typeof TYPES;
  readonly retry: boolean;

  constructor(status: keyof typeof TYPES, message: string, { retry = false, cause }: ApiErrorOptions = {}) {
    super(message, { cause });
    this.status = status;
    this.retry = retry;
  }

  send(response: ServerResponse): void {
    const body = JSON.stringify({
      type: 'error',
      error: { type: TYPES[this.status], message: this.message },
    });
    response.writeHead(this.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...(this.retry ? { 'retry-after': '1' } : { 'x-should-retry': 'false' }),
    });
    response.end(body);
  }
}
