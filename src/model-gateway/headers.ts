/** Which headers pass the gateway: lists of what is let through, so that whatever is new is held back. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Wire } from './wire.js';

/** Of upstream's answer. Organization ids, rate-limit figures and cookies of the server's account stay outside. */
const ANSWER_HEADERS = [
  'content-type',
  'request-id',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
] as const;

/** Headers of the request to upstream; `identity` because the gateway reads the answer to meter it. */
export function requestHeaders(
  received: IncomingHttpHeaders,
  wire: Pick<Wire, 'requestHeaders' | 'credential'>,
  key: string,
): Record<string, string> {
  return {
    ...pick(received, wire.requestHeaders),
    'accept-encoding': 'identity',
    ...wire.credential(key),
  };
}

/** Headers of the answer to the agent. */
export function answerHeaders(received: IncomingHttpHeaders): OutgoingHttpHeaders {
  return pick(received, ANSWER_HEADERS);
}

function pick(received: IncomingHttpHeaders, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = received[name];
    if (typeof value === 'string') picked[name] = value;
  }
  return picked;
}
