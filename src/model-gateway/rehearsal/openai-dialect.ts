/** The stand-in as OpenAI: Chat Completions and Responses, below whatever its base URL ends with. */
import { ChatAnswer } from './chat-answer.js';
import type { Dialect } from './dialect.js';
import { readChat, readResponses } from './openai-request.js';
import { ResponsesAnswer } from './responses-answer.js';

const isChat = (path: string) => path.endsWith('/chat/completions');

const ERRORS: Readonly<Record<number, { type: string; code: string | null }>> = {
  401: { type: 'invalid_request_error', code: 'invalid_api_key' },
  404: { type: 'invalid_request_error', code: 'model_not_found' },
  429: { type: 'requests', code: 'rate_limit_exceeded' },
  503: { type: 'server_error', code: 'overloaded' },
};

export const openaiDialect: Dialect = {
  answers: (path) => isChat(path) || path.endsWith('/responses'),
  counts: () => false,
  read: (body, path) => (isChat(path) ? readChat(body) : readResponses(body)),
  answer: (response, options, path) =>
    isChat(path) ? new ChatAnswer(response, options) : new ResponsesAnswer(response, options),
  count: () => ({}),
  error: (status, message) => ({
    error: {
      ...{ message, param: null },
      ...(ERRORS[status] ?? { type: status < 500 ? 'invalid_request_error' : 'server_error', code: null }),
    },
  }),
};
