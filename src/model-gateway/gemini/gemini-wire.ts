/** The wire format of Google's Gemini API. */
import type { Wire } from '../wire.js';
import { geminiReader } from './gemini-reader.js';
import { readCount, readGenerate } from './gemini-request.js';

/** The model is a part of the path. The query is written anew: some clients put their key there. */
const FORWARDED =
  /^\/v1beta\/models\/([\w.-]+):(generateContent|streamGenerateContent|countTokens)(?:\?[\w=&.-]*)?$/;

/** `error.status` by HTTP status, as Google's APIs document them. */
const STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  502: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

export const geminiWire: Wire = {
  service: 'Gemini API',
  endpoint(url) {
    const [, model, method] = FORWARDED.exec(url) ?? [];
    if (model === undefined || method === undefined) return undefined;
    const counts = method === 'countTokens';
    return {
      label: `/v1beta/models:${method}`,
      // Without `alt=sse` a stream is one JSON array, which is no form that could be metered as it comes.
      path: `/v1beta/models/${model}:${method}${method === 'streamGenerateContent' ? '?alt=sse' : ''}`,
      spends: !counts,
      read: (body, models) => (counts ? readCount : readGenerate)(body, model, models),
      reader: geminiReader,
    };
  },
  requestHeaders: ['accept', 'content-type', 'user-agent', 'x-goog-api-client'],
  credential: (key) => ({ 'x-goog-api-key': key }),
  error: (status, message) => ({
    error: { code: status, message, status: STATUS[status] ?? 'FAILED_PRECONDITION' },
  }),
  final: 'status',
};
