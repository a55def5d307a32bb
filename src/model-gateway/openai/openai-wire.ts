/** The wire formats of OpenAI, which many services speak: Chat Completions and Responses. */
import type { Endpoint, Wire } from '../wire.js';
import { chatReader, responsesReader } from './openai-readers.js';
import { readChat, readResponses } from './openai-request.js';

/** Agents ask below `/v1`; what the base URL of the provider ends with is its own affair. */
const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/v1/chat/completions': {
    ...{ label: '/v1/chat/completions', path: '/chat/completions', spends: true },
    ...{ read: readChat, reader: chatReader },
  },
  '/v1/responses': {
    ...{ label: '/v1/responses', path: '/responses', spends: true },
    ...{ read: readResponses, reader: responsesReader },
  },
};

export const openaiWire: Wire = {
  service: 'Chat Completions and Responses APIs',
  endpoint: (url) => (Object.hasOwn(ENDPOINTS, url) ? ENDPOINTS[url] : undefined),
  requestHeaders: ['accept', 'content-type', 'user-agent', 'openai-beta'],
  credential: (key) => ({ authorization: `Bearer ${key}` }),
  error: (status, message) => ({
    error: {
      message,
      type: status === 429 ? 'rate_limit_error' : 'invalid_request_error',
      code: null,
      param: null,
    },
  }),
  final: 'status',
};
