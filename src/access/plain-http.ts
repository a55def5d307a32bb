/** Refuses HTTP that a proxy in front could read differently: what is one request there must be one here, and the same. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { invalidRequest } from '../errors/to-claude-code-error.js';

/** Headers that say one thing; of two, one server takes the first and another the last. */
const SINGLE = ['host', 'authorization', 'x-api-key', 'content-type', 'content-length', 'transfer-encoding'];

/** Connections on which a request was refused: where the next one would begin on them is anybody's guess. */
const refused = new WeakSet<Socket>();

/** Comes before everything: what came in one piece with a refused request is no request. Its connection closes behind the refusal. */
export function dropBehindRefused(request: IncomingMessage, _response: unknown, next: () => void): void {
  if (!refused.has(request.socket)) next();
}

/** Express and engine.io take it alike. @param headersMax how many headers a request may have */
export const refuseAmbiguousHttp =
  (headersMax: number) =>
  (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void => {
    const problem = problemOf(request, headersMax);
    if (problem === undefined) return next();
    refused.add(request.socket);
    response.setHeader('Connection', 'close');
    next(invalidRequest([{ field: 'request', problem }]));
  };

function problemOf(
  { httpVersion, url = '', headers, rawHeaders }: IncomingMessage,
  headersMax: number,
): string | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'must be HTTP/1.1 or HTTP/1.0';
  if (!url.startsWith('/')) return 'must name what it is about by a path';
  if (rawHeaders.length > 2 * headersMax) return `has more than ${headersMax} headers`;
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  const twice = SINGLE.find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined) return `has the header ${twice} more than once`;
  if (httpVersion === '1.1' && headers.host === undefined) return 'has no header host';
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && httpVersion === '1.0')
    return 'has a transfer encoding, which HTTP/1.0 does not know';
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return 'has a transfer encoding that is not chunked';
  return undefined;
}
