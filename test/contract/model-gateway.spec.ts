/** Real: unix sockets, HTTP on both sides, retries, metering. Not real: the model, which the rehearsal plays as upstream. */
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Config } from '../../src/config/config.js';
import type {
  ModelRoute,
  ModelRouteOrder,
  ModelRouteUse,
  UsageByModel,
} from '../../src/model-gateway/model-gateway.js';
import { RehearsalModel } from '../../src/model-gateway/rehearsal/rehearsal-model.js';
import { UnixSocketModelGateway } from '../../src/model-gateway/unix-socket-model-gateway.js';
import { ask, begin, scripted, start } from '../support/socket-client.js';

const KEY = 'sk-canary-7f1d';

async function openBound(
  gateway: UnixSocketModelGateway,
  { uid, ...use }: Partial<ModelRouteUse & ModelRouteOrder> = {},
): Promise<ModelRoute> {
  const route = await gateway.open({ uid });
  route.bind({ executionId: 'execution-1', ...use });
  return route;
}

describe('the model gateway', () => {
  let ground: string;
  let model: RehearsalModel;
  let url: string;
  let logged: string[];
  const gateways: UnixSocketModelGateway[] = [];

  beforeEach(async () => {
    ground = await mkdtemp(join(tmpdir(), 'caisson-gateway-'));
    await chmod(ground, 0o711);
    model = new RehearsalModel();
    ({ url } = await model.start());
    logged = [];
    const note = (...parts: unknown[]) => logged.push(JSON.stringify(parts));
    Logger.overrideLogger({ log: note, warn: note, error: note });
  });
  afterEach(async () => {
    await Promise.all(gateways.splice(0).map((gateway) => gateway.onApplicationShutdown()));
    await model.stop();
    await rm(ground, { recursive: true });
  });

  function make(settings: NodeJS.ProcessEnv = {}): UnixSocketModelGateway {
    const config = { CAISSON_DATA: ground, ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: url, ...settings };
    const gateway = new UnixSocketModelGateway(Config.from(config));
    gateways.push(gateway);
    return gateway;
  }
  const open = (
    settings?: NodeJS.ProcessEnv,
    use: Partial<ModelRouteUse & ModelRouteOrder> = {},
  ): Promise<ModelRoute> => openBound(make(settings), use);
  const answerOf = (gateway: UnixSocketModelGateway) =>
    gateway.answers.once('answer').then(({ data }) => data);

  describe('lets through', () => {
    it('a streamed answer byte for byte, and meters it', async () => {
      const seen: UsageByModel[] = [];
      const { socketPath, usage, failure } = bound(await open({}, { onUsage: (sums) => seen.push(sums) }));
      const { status, headers, body } = await ask({
        socketPath,
        body: scripted('@text hello\n@usage input=10 output=20'),
      });
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('text/event-stream');
      expect(body).toContain('"text":"hello"');
      expect(usage()).toEqual({
        rehearsal: {
          inputTokens: 10,
          outputTokens: 20,
          cacheCreationTokens: 0,
          cacheReadTokens: 0,
          costUsd: 0,
        },
      });
      expect(seen).toEqual([usage()]);
      expect(failure()).toBeUndefined();
    });

    it('a plain JSON answer, and sums it with the others', async () => {
      const { socketPath, usage } = bound(await open());
      const body = scripted('@text hello\n@usage input=1 output=2', { stream: false });
      await ask({ socketPath, body });
      expect(JSON.parse((await ask({ socketPath, body })).body)).toMatchObject({
        model: 'rehearsal',
        content: [{ text: 'hello' }],
      });
      expect(usage().rehearsal).toMatchObject({ inputTokens: 2, outputTokens: 4 });
    });

    it('token counting, unmetered', async () => {
      const { socketPath, usage } = bound(await open());
      const answer = await ask({ socketPath, path: '/v1/messages/count_tokens', body: scripted('hello') });
      expect(JSON.parse(answer.body)).toEqual({ input_tokens: expect.any(Number) });
      expect(usage()).toEqual({});
    });

    it('the first words while the rest is still to come', async () => {
      const { socketPath } = await open();
      const { response, leave } = await begin({ socketPath, body: scripted('@text first\n@hang') });
      let received = '';
      for await (const chunk of response.setEncoding('utf8')) {
        received += chunk as string;
        if (received.includes('first')) break;
      }
      leave();
      expect(received).not.toContain('message_stop');
    });

    it("the CLI's probe, without asking upstream", async () => {
      const { socketPath } = await open();
      expect((await ask({ socketPath, method: 'HEAD', path: '/' })).status).toBe(200);
      expect(model.requests).toEqual([]);
    });
  });

  describe('keeps apart', () => {
    it("the server's key from the agent, and what the agent claims to be from the model service", async () => {
      const { socketPath } = await open();
      const headers = {
        authorization: 'Bearer of-the-client',
        'x-api-key': 'of-the-client',
        cookie: 'a=of-the-client',
        'x-forwarded-for': '10.0.0.1',
        forwarded: 'for=of-the-client',
        'anthropic-organization': 'of-the-client',
        'proxy-authorization': 'of-the-client',
        te: 'trailers',
        host: 'of-the-client.example',
        'anthropic-version': '2023-06-01',
        'anthropic-beta': 'one,two',
      };
      const answer = await ask({ socketPath, headers, body: scripted('@echo-request') });
      const [reached] = model.requests;
      expect(reached?.headers).toMatchObject({
        'x-api-key': KEY,
        'anthropic-version': '2023-06-01',
        'anthropic-beta': 'one,two',
      });
      expect(reached?.headers.host).toBe(new URL(url).host);
      expect(JSON.stringify(reached?.headers)).not.toMatch(/of-the-client|10\.0\.0\.1|trailers/);
      expect(JSON.stringify(answer)).not.toContain(KEY);
      expect(logged.join('\n')).toContain('execution-1');
      expect(logged.join('\n')).not.toContain(KEY);
    });

    it('the key from an agent to which a careless upstream would repeat it, in its body, headers and cookies', async () => {
      const careless = createServer((request, response) => {
        const key = String(request.headers['x-api-key']);
        response.writeHead(400, { 'content-type': 'application/json', 'set-cookie': key, 'x-echo': key });
        response.end(
          JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message: `bad: ${key}` } }),
        );
      }).listen(0, '127.0.0.1');
      await once(careless, 'listening');
      const { port } = careless.address() as AddressInfo;
      const route = await open({ ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}` });
      const answer = await ask({ socketPath: route.socketPath, body: scripted('hi') });
      expect(answer.status).toBe(400);
      expect(answer.body).toContain('bad: [redacted]');
      expect(JSON.stringify([answer, route.failure()])).not.toContain(KEY);
      expect(route.failure()?.message).toContain('400 (invalid_request_error)');
      careless.close();
      careless.closeAllConnections();
    });

    it('an answer that is neither events nor JSON, and so cannot be metered', async () => {
      const portal = createServer((_, response) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      ).listen(0, '127.0.0.1');
      await once(portal, 'listening');
      const { port } = portal.address() as AddressInfo;
      const route = await open({ ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}` });
      expect((await ask({ socketPath: route.socketPath, body: scripted('hi') })).status).toBe(502);
      expect(route.failure()?.code).toBe('E005');
      portal.close();
      portal.closeAllConnections();
    });

    it.each([
      ['GET', '/v1/messages'],
      ['POST', '/v1/models'],
      ['POST', '/v1/messages/../files'],
      ['POST', '/v1/messages/batches'],
      ['POST', '//v1/messages'],
      ['POST', 'http://example.com/v1/messages'],
      ['POST', '/v1/messages?beta=true#%0d%0a'],
      ['PUT', '/v1/messages'],
      ['HEAD', '/v1/messages'],
    ])('everything else: %s %s', async (method, path) => {
      const { socketPath } = await open();
      const { status, body } = await ask({
        socketPath,
        method,
        path,
        body: method === 'HEAD' ? undefined : scripted('hi'),
      });
      expect(status).toBe(404);
      if (method !== 'HEAD')
        expect(JSON.parse(body)).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
      expect(model.requests).toEqual([]);
    });

    it('models that the server does not offer; a dated id is its model', async () => {
      const { socketPath } = await open({ CLAUDE_CODE_MODELS: 'claude-sonnet-5-5' });
      expect((await ask({ socketPath, body: scripted('hi', { model: 'claude-opus-5-5' }) })).status).toBe(
        404,
      );
      expect(model.requests).toEqual([]);
      expect(
        (await ask({ socketPath, body: scripted('hi', { model: 'claude-sonnet-5-5-20260922' }) })).status,
      ).toBe(200);
    });

    it('bodies that are too large or are no request', async () => {
      const { socketPath } = await open({ UPSTREAM_BODY_MAX_BYTES: '2000' });
      expect((await ask({ socketPath, body: 'not JSON' })).status).toBe(400);
      expect((await ask({ socketPath, body: [] })).status).toBe(400);
      expect((await ask({ socketPath, body: scripted('x'.repeat(3000)) })).status).toBe(413);
      expect((await ask({ socketPath, body: scripted('x'.repeat(5_000_000)) })).status).toBe(413);
      expect(model.requests).toEqual([]);
    });

    it('so many requests side by side that their bodies would fill the memory', async () => {
      const { socketPath } = await open({ UPSTREAM_BODY_MAX_BYTES: '2000' });
      const body = (script: string) => scripted(`${script}\n${'x'.repeat(1200)}`);
      const first = await begin({ socketPath, body: body('@text a\n@hang') });
      expect((await ask({ socketPath, body: body('@text b') })).status).toBe(429);
      first.leave();
    });

    it('a second of two values under one name: what was checked is what is sent', async () => {
      const { socketPath } = await open({}, { maxOutputTokens: 50 });
      const body = JSON.stringify(scripted('@text hi')).replace(
        '"max_tokens":1000',
        '"max_tokens":9999,"max_tokens":40',
      );
      await ask({ socketPath, body });
      expect(model.requests[0]?.body).toMatchObject({ max_tokens: 40 });
    });
  });

  describe('when upstream fails', () => {
    it('tries again before the first byte, and nobody notices', async () => {
      const gateway = make();
      const route = await openBound(gateway);
      const announced = answerOf(gateway);
      const script =
        '@status 529 times 1 retry-after 0\n@cut early times 1\n@status 429 times 1 retry-after 0\n@text there';
      const { status, body } = await ask({ socketPath: route.socketPath, body: scripted(script) });
      expect(status).toBe(200);
      expect(body).toContain('there');
      expect(model.requests).toHaveLength(4);
      expect(route.failure()).toBeUndefined();
      expect(await announced).toMatchObject({
        path: '/v1/messages',
        status: 200,
        attempts: 4,
        model: 'rehearsal',
      });
    });

    it.each([
      [429, 'E002', 'rate_limit_error'],
      [529, 'E005', 'overloaded_error'],
      [500, 'E005', 'api_error'],
    ])('passes %d on when the tries are used up, as final and as %s', async (code, failure, type) => {
      const route = await open({ UPSTREAM_RETRIES: '2' });
      const answer = await ask({
        socketPath: route.socketPath,
        body: scripted(`@status ${code} retry-after 0`),
      });
      expect(answer.status).toBe(code);
      expect(answer.headers['x-should-retry']).toBe('false');
      expect(JSON.parse(answer.body)).toMatchObject({ error: { type } });
      expect(model.requests).toHaveLength(3);
      expect(route.failure()).toMatchObject({ code: failure, retryAfter: 0 });
      await ask({ socketPath: route.socketPath, body: scripted('@text better') });
      expect(route.failure()).toBeUndefined();
    });

    it('does not wait for longer than it may, nor repeat what cannot get better', async () => {
      const route = await open();
      await ask({ socketPath: route.socketPath, body: scripted('@status 429 retry-after 3600') });
      expect(route.failure()).toMatchObject({ code: 'E002', retryAfter: 3600 });
      await ask({ socketPath: route.socketPath, body: scripted('@status 401') });
      expect(model.requests).toHaveLength(2);
      expect(route.failure()?.code).toBe('E005');
    });

    it('cuts the answer where upstream cut it, and counts what was seen', async () => {
      const route = await open();
      const gone = ask({
        socketPath: route.socketPath,
        body: scripted('@usage input=7\n@deltas 20 of "12345678"\n@cut'),
      });
      await expect(gone).rejects.toThrow();
      await route.close();
      expect(route.failure()).toMatchObject({ code: 'E005' });
      expect(route.usage().rehearsal).toMatchObject({ inputTokens: 7, outputTokens: 40 });
    });

    it('names an answer that ends without its end', async () => {
      const route = await open();
      await ask({ socketPath: route.socketPath, body: scripted('@rubbish') });
      await route.close();
      expect(route.failure()).toMatchObject({ code: 'E005' });
    });

    it('gives up on one that says nothing', async () => {
      const route = await open({ UPSTREAM_TIMEOUT_MS: '1000' });
      expect((await ask({ socketPath: route.socketPath, body: scripted('@hang') })).status).toBe(504);
      expect(model.requests).toHaveLength(1);
      expect(route.failure()?.code).toBe('E005');
    });

    it('says so when it cannot be reached', async () => {
      await model.stop();
      const route = await open({ UPSTREAM_RETRIES: '0' });
      const { status, body } = await ask({ socketPath: route.socketPath, body: scripted('hi') });
      expect(status).toBe(502);
      expect(body).not.toContain(new URL(url).port);
      expect(route.failure()?.code).toBe('E005');
    });
  });

  describe('the budget of output tokens', () => {
    it('clamps each request to what remains, then refuses with E011 and without asking upstream', async () => {
      const route = await open({}, { maxOutputTokens: 100 });
      const body = scripted('@deltas 1000 of "12345678"', {
        max_tokens: 32_000,
        thinking: { type: 'enabled', budget_tokens: 31_999 },
      });
      await ask({ socketPath: route.socketPath, body });
      expect(model.requests[0]?.body).toMatchObject({ max_tokens: 100 });
      expect(model.requests[0]?.body).not.toHaveProperty('thinking');
      expect(route.usage().rehearsal?.outputTokens).toBe(100);
      const refused = await ask({ socketPath: route.socketPath, body });
      expect(refused.status).toBe(402);
      expect(refused.headers['x-should-retry']).toBe('false');
      expect(route.failure()).toMatchObject({ code: 'E011' });
      expect(model.requests).toHaveLength(1);
    });

    it('is not exceeded by requests side by side', async () => {
      const route = await open({}, { maxOutputTokens: 100 });
      const body = scripted('@deltas 1000 of "12345678"');
      const statuses = await Promise.all(
        [1, 2, 3].map(async () => (await ask({ socketPath: route.socketPath, body })).status),
      );
      expect(statuses.toSorted()).toEqual([200, 402, 402]);
      expect(route.usage().rehearsal?.outputTokens).toBe(100);
    });
  });

  describe('ends', () => {
    it("upstream's request when the agent leaves", async () => {
      const gateway = make();
      const route = await openBound(gateway);
      const announced = answerOf(gateway);
      const { client, answered } = start({
        socketPath: route.socketPath,
        body: scripted('@usage input=3\n@text a\n@hang'),
      });
      await answered;
      client.destroy();
      expect(await announced).toMatchObject({ status: 499 });
      expect(route.usage().rehearsal).toMatchObject({ inputTokens: 3 });
      expect(route.failure()).toBeUndefined();
    });

    it('all that is under way when the route is closed, and removes the socket', async () => {
      const route = await open();
      const asked = ask({ socketPath: route.socketPath, body: scripted('@text a\n@hang') });
      const failed = expect(asked).rejects.toThrow();
      const waiting = start({ socketPath: route.socketPath, body: scripted('@hang') });
      const cut = expect(waiting.answered).rejects.toThrow();
      while (model.requests.length < 2) await new Promise(setImmediate);
      await route.close();
      await route.close();
      await Promise.all([failed, cut]);
      expect(existsSync(route.socketPath)).toBe(false);
    });

    it('one request too many at once, and says that it may come again', async () => {
      const route = await open({ ROUTE_MAX_REQUESTS: '1' });
      const first = await begin({ socketPath: route.socketPath, body: scripted('@text a\n@hang') });
      const second = await ask({ socketPath: route.socketPath, body: scripted('@text b') });
      expect(second.status).toBe(429);
      expect(second.headers['x-should-retry']).toBeUndefined();
      first.leave();
    });
  });

  describe('its sockets', () => {
    it("are the server's own, in a directory that others may cross but not list", async () => {
      const { socketPath } = await open();
      expect(statSync(socketPath).mode & 0o777).toBe(0o600);
      expect(dirname(socketPath)).toBe(join(ground, 's'));
      expect(statSync(dirname(socketPath)).mode & 0o777).toBe(0o711);
    });

    (process.getuid?.() === 0 ? it : it.skip)('belong to the uid that may connect', async () => {
      expect(statSync((await open({}, { uid: 4321 })).socketPath).uid).toBe(4321);
    });

    (process.getuid?.() === 0 ? it : it.skip)(
      'stand elsewhere when other uids cannot get to them',
      async () => {
        await chmod(ground, 0o700);
        const { socketPath } = await open({}, { uid: 4321 });
        expect(socketPath.startsWith(ground)).toBe(false);
      },
    );

    it('of a server that was killed are removed at the next start, those of a living one are not', async () => {
      const living = await open();
      const killed = await open();
      const left = join(dirname(killed.socketPath), 'left.sock');
      await rename(killed.socketPath, left);
      await killed.close();
      expect(existsSync(left)).toBe(true);
      await open();
      expect(existsSync(left)).toBe(false);
      expect((await ask({ socketPath: living.socketPath, body: scripted('hi') })).status).toBe(200);
    });

    it('stand elsewhere when the data directory has too long a path, and leave nothing there', async () => {
      const deep = join(ground, 'd'.repeat(100));
      await mkdir(deep);
      const gateway = make({ CAISSON_DATA: deep });
      const { socketPath } = await openBound(gateway);
      expect(Buffer.byteLength(socketPath)).toBeLessThanOrEqual(107);
      expect((await ask({ socketPath, body: scripted('hi') })).status).toBe(200);
      await gateway.onApplicationShutdown();
      expect(existsSync(dirname(socketPath))).toBe(false);
    });

    it('fail as E012 when there can be none', async () => {
      const gateway = make();
      const route = await openBound(gateway);
      await rm(dirname(route.socketPath), { recursive: true });
      await expect(gateway.open({})).rejects.toMatchObject({ code: 'E012' });
    });
  });
});

/** The methods without their object, to be called as functions. */
function bound(route: ModelRoute) {
  return { socketPath: route.socketPath, usage: () => route.usage(), failure: () => route.failure() };
}
