/** The wire format of Anthropic's Messages API. */
import type { Wire } from '../wire.js';
import { clampOutput, parseMessagesRequest } from './messages-request.js';
import { messagesReader } from './messages-reader.js';

/** All that is forwarded, captured without the query that goes along (the CLI sends `?beta=true`). */
const FORWARDED = /^(\/v1\/messages(\/count_tokens)?)(?:\?[\w=&-]*)?$/;

/** The `error.type` that Anthropic's API documents for a status. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  402: 'billing_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  502: 'api_error',
  504: 'timeout_error',
};

export const messagesWire: Wire = {
  service: 'Messages API',
  endpoint(url) {
    const [path, label, counts] = FORWARDED.exec(url) ?? [];
    if (path === undefined || label === undefined) return undefined;
    return {
      ...{ label, path, spends: counts === undefined, reader: messagesReader },
      read(body, models) {
        const request = parseMessagesRequest(body, models);
        return {
          maxTokens: request.max_tokens,
          body: (granted) => (granted === undefined ? request : clampOutput(request, granted)),
        };
      },
    };
  },
  requestHeaders: ['accept', 'content-type', 'user-agent', 'anthropic-version', 'anthropic-beta', 'x-app'],
  credential: (key) => ({ 'x-api-key': key }),
  error: (status, message) => ({
    type: 'error',
    error: { type: ERROR_TYPES[status] ?? 'api_error', message },
  }),
  final: 'header',
};
