/** Whatever was thrown, as an error of the catalogue; what is not known becomes E099 and shows nothing of itself. */
import { HttpException } from '@nestjs/common';
import type { ErrorCode } from './catalogue.js';
import { ClaudeCodeError } from './claude-code.error.js';
import { internalError } from './internal-error.js';
import { isShortage, SHORTAGE_RETRY_AFTER } from './shortage.js';

/** One entry of the `details` of E003. */
export interface FieldProblem {
  /** Path of the field, e.g. `options.timeout`; `body` when the request as a whole is meant. */
  field: string;
  problem: string;
}

/** HTTP statuses of the framework that have a code of their own; other 4xx are E003, the rest is a defect. */
const CODE_OF_STATUS: Readonly<Partial<Record<number, ErrorCode>>> = {
  401: 'E007',
  403: 'E008',
  404: 'E009',
  409: 'E010',
  429: 'E002',
  503: 'E012',
};

const MESSAGE: Readonly<Partial<Record<ErrorCode, string>>> = {
  E002: 'Too many requests.',
  E007: 'A valid API key is needed.',
  E008: 'The API key does not allow this.',
  E009: 'Not found.',
  E012: 'Not available now.',
};

/** What the body parser found, by its `type`: its own messages quote the body. */
const BODY_PROBLEM: Readonly<Partial<Record<string, string>>> = {
  'entity.too.large': 'is larger than allowed',
  'entity.parse.failed': 'is not valid JSON',
  'encoding.unsupported': 'has a content encoding that is not supported',
  'charset.unsupported': 'has a charset that is not supported',
  'too deep': 'is nested too deep',
  'too many values': 'holds too many values',
  'request.aborted': 'was not sent completely',
  'request.size.invalid': 'is not as long as Content-Length says',
};

/** @returns the error itself when it is one of the catalogue; for E099 the cause, to be logged, is in `cause` */
export function toClaudeCodeError(error: unknown): ClaudeCodeError {
  if (error instanceof ClaudeCodeError) return error;
  if (error instanceof HttpException) return fromHttp(error);
  if (isShortage(error))
    return new ClaudeCodeError('E012', 'The server lacks disk space, descriptors or its database for now.', {
      retryAfter: SHORTAGE_RETRY_AFTER,
      cause: error,
    });
  return internalError(error);
}

function fromHttp(error: HttpException): ClaudeCodeError {
  const status = error.getStatus();
  const code = CODE_OF_STATUS[status] ?? (status < 500 ? 'E003' : 'E099');
  if (code === 'E099') return internalError(error);
  if (code !== 'E003') return new ClaudeCodeError(code, MESSAGE[code] ?? 'Refused.', { cause: error });
  const problem = BODY_PROBLEM[bodyErrorType(error.cause) ?? ''];
  if (problem === undefined)
    return new ClaudeCodeError('E003', 'The request is not valid.', { cause: error });
  return invalidRequest([{ field: 'body', problem }]);
}

/** An answer repeats what it refuses only so far: a body of megabytes must not be answered by megabytes. */
const MAX_PROBLEMS = 50;
const MAX_FIELD_CHARS = 200;

/** The error of every request that fails validation. */
export function invalidRequest(problems: readonly FieldProblem[]): ClaudeCodeError {
  const details = problems
    .slice(0, MAX_PROBLEMS)
    .map(({ field, problem }) => ({ field: cut(field), problem: cut(problem) }));
  return new ClaudeCodeError('E003', 'The request is not valid; details names each field.', { details });
}

export const cut = (text: string) =>
  text.length <= MAX_FIELD_CHARS ? text : `${text.slice(0, MAX_FIELD_CHARS).toWellFormed()}…`;

const bodyErrorType = (cause: unknown): string | undefined =>
  typeof cause === 'object' && cause !== null && 'type' in cause && typeof cause.type === 'string'
    ? cause.type
    : undefined;
