import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { messagesWire } from './anthropic/messages-wire.js';
import { Upstream, type UpstreamRequest } from './upstream.js';

describe('Upstream', () => {
  let server: Server;
  let upstream: Upstream;
  const connections = new Set<Socket>();

  async function serve(listener: RequestListener, prefix = ''): Promise<void> {
    server = createServer(listener).on('connection', (socket) => connections.add(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    upstream = new Upstream({
      url: `http://127.0.0.1:${port}${prefix}`,
      key: 'sk',
      wire: messagesWire,
      retries: 3,
      timeoutMs: 5000,
    });
  }
  afterEach(async () => {
    await upstream.close();
    server.close();
    server.closeAllConnections();
    connections.clear();
  });

  const request = (signal = new AbortController().signal): UpstreamRequest => ({
    path: '/v1/messages',
    headers: {},
    body: '{}',
    signal,
  });
  async function read(answer: Awaited<ReturnType<Upstream['send']>>): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of answer.chunks) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  it('keeps the path prefix of its base URL', async () => {
    await serve((received, response) => response.end(received.url), '/gateway/');
    expect(await read(await upstream.send(request()))).toBe('/gateway/v1/messages');
  });

  it('uses a connection again', async () => {
    await serve((received, response) => received.resume().once('end', () => response.end('ok')));
    for (let times = 0; times < 10; times++) await read(await upstream.send(request()));
    // A second one is opened when the first is not free yet in the moment its answer ends.
    expect(connections.size).toBeLessThanOrEqual(2);
  });

  it('stops waiting for the next try when the agent leaves', async () => {
    const leaving = new AbortController();
    let asked = 0;
    await serve((_, response) => {
      asked++;
      response.writeHead(529, { 'retry-after': '20' }).end();
      leaving.abort();
    });
    await expect(upstream.send(request(leaving.signal))).rejects.toThrow(/abort/i);
    expect(asked).toBe(1);
  });

  it('tries again when the connection is lost after the head but before the first byte', async () => {
    let asked = 0;
    await serve((_, response) => {
      if (++asked > 1) return response.end('whole');
      response.writeHead(200).flushHeaders();
      return response.destroy();
    });
    const answer = await upstream.send(request());
    expect(await read(answer)).toBe('whole');
    expect(asked).toBe(2);
  });
});
