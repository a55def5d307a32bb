/** HTTP with the path exactly as written: fetch would tidy `/../` and `\` away before the server sees them. */
import { type OutgoingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Answer, Client } from './client.js';

export async function rawCall(
  client: Client,
  method: string,
  path: string,
  body?: string,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer<unknown>> {
  const { hostname, port } = new URL(client.url);
  const sent = request({
    host: hostname,
    port,
    method,
    path,
    headers: { authorization: `Bearer ${client.secret}`, ...headers },
    agent: false,
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const received = await text(response);
  const isJson = response.headers['content-type']?.includes('json') === true;
  return {
    status: response.statusCode ?? 0,
    headers: new Headers(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
    body: isJson ? (JSON.parse(received) as unknown) : received,
  };
}
