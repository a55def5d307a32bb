/** Speaks HTTP over a unix socket as an agent in a sandbox would. */
import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';

export interface SocketAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** The head of an answer whose body is still coming, and the way to leave it. */
export interface OpenAnswer {
  response: IncomingMessage;
  leave: () => void;
}

export interface SocketRequest {
  socketPath: string;
  method?: string;
  path?: string;
  headers?: OutgoingHttpHeaders;
  body?: unknown;
}

/** @throws Error when the answer is cut */
export async function ask(order: SocketRequest): Promise<SocketAnswer> {
  const { response } = await begin(order);
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

export async function begin(order: SocketRequest): Promise<OpenAnswer> {
  const { client, answered } = start(order);
  return { response: await answered, leave: () => client.destroy() };
}

/** A request under way, perhaps before any answer. */
export function start({
  socketPath,
  method = 'POST',
  path = '/v1/messages?beta=true',
  headers,
  body,
}: SocketRequest) {
  const client = request({
    socketPath,
    method,
    path,
    headers: { 'content-type': 'application/json', ...headers },
    agent: false,
  });
  client.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
  const answered = once(client, 'response').then(([response]) => response as IncomingMessage);
  return { client, answered };
}

/** A Messages API request that carries a script for the rehearsal. */
export function scripted(script: string, options: Record<string, unknown> = {}) {
  return {
    model: 'claude-sonnet-5-5',
    max_tokens: 1000,
    stream: true,
    messages: [{ role: 'user', content: script }],
    ...options,
  };
}
