/** The one error type of the product: a code of the catalogue, a message for the caller, optional details. */
import { ERROR_CATALOGUE, type ErrorCode } from './catalogue.js';

/** What a client sees of an error, inside the response envelope and in events. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  details?: unknown;
}

export interface ClaudeCodeErrorOptions {
  /** Shown to the caller: never put a secret, a host path or another user's data here. */
  details?: unknown;
  /** Seconds after which a retry makes sense; sent as `Retry-After`. */
  retryAfter?: number;
  /** What led to it: for the log only. */
  cause?: unknown;
}

export class ClaudeCodeError extends Error {
  readonly code: ErrorCode;
  readonly details?: unknown;
  readonly retryAfter?: number;

  constructor(code: ErrorCode, message: string, options: ClaudeCodeErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = ERROR_CATALOGUE[code].name;
    this.code = code;
    this.details = options.details;
    this.retryAfter = options.retryAfter;
  }

  get status(): number {
    return ERROR_CATALOGUE[this.code].status;
  }

  /** Whoever has no headers (socket.io, an execution's response) finds the time to wait in the details. */
  toBody(): ErrorBody {
    const { code, message } = this;
    const details =
      this.details ?? (this.retryAfter === undefined ? undefined : { retryAfter: this.retryAfter });
    return { code, message, ...(details === undefined ? {} : { details }) };
  }
}
