/** What a call that was refused throws: the server's own words, with what a program needs to decide what to do next. */
import type { components } from './api.js';

export type ErrorCode = components['schemas']['ResponseError']['code'];
export type ResponseError = components['schemas']['ResponseError'];

export class CaissonError extends Error {
  override readonly name = 'CaissonError';

  constructor(
    /** As in docs/ERRORS.md; undefined when what answered is no Caisson (a proxy, another server). */
    readonly code: ErrorCode | undefined,
    message: string,
    readonly status: number,
    readonly details?: unknown,
    /** Seconds after which the same call may be answered, where the server said so. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }

  /** True when the same call may well be answered later: nothing is wrong with it. */
  get passing(): boolean {
    return [408, 425, 429, 502, 503, 504].includes(this.status);
  }
}

/** From the body of an answer, parsed or not. */
export function errorOf(response: Response, body: unknown): CaissonError {
  const { status, statusText, headers } = response;
  const retryAfter = Number(headers.get('retry-after') ?? undefined);
  const error = responseError(body);
  return new CaissonError(
    error?.code,
    error?.message ?? `${status} ${statusText}`.trim(),
    status,
    error?.details,
    Number.isFinite(retryAfter) ? retryAfter : undefined,
  );
}

function responseError(body: unknown): ResponseError | undefined {
  const parsed = typeof body === 'string' ? parse(body) : body;
  if (typeof parsed !== 'object' || parsed === null || !('error' in parsed)) return undefined;
  const { error } = parsed;
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return error as ResponseError;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a page of a proxy
  }
}
