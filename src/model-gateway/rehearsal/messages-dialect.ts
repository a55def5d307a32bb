/** The stand-in as Anthropic's Messages API. */
import { messagesRequest } from './conversation.js';
import type { Dialect } from './dialect.js';
import { MessagesAnswer } from './messages-answer.js';

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

export const messagesDialect: Dialect = {
  answers: (path) => path === '/v1/messages',
  counts: (path) => path === '/v1/messages/count_tokens',
  read: (body) => messagesRequest.parse(body),
  answer: (response, options) => new MessagesAnswer(response, options),
  count: (tokens) => ({ input_tokens: tokens }),
  error: (status, message) => ({
    type: 'error',
    error: { type: ERROR_TYPES[status] ?? 'api_error', message },
  }),
};
