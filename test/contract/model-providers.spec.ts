/** The wire formats of OpenAI and Gemini through the gateway: as Anthropic's, but for what is written where. The rehearsal plays the services. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { Provider } from '../../src/config/acp-agents.js';
import { Config } from '../../src/config/config.js';
import type { ModelRoute, ModelRouteOrder, ModelRouteUse } from '../../src/model-gateway/model-gateway.js';
import { RehearsalModel } from '../../src/model-gateway/rehearsal/rehearsal-model.js';
import { UnixSocketModelGateway } from '../../src/model-gateway/unix-socket-model-gateway.js';
import { ask } from '../support/socket-client.js';

const KEYS = { openai: 'sk-canary-of-openai', gemini: 'AIza-canary-of-gemini' };
const MODELS = ['gpt-5.1', 'gemini-2.5-pro'];

interface Format {
  provider: Provider;
  path: string;
  /** Path as it arrives, below the base URL of the settings. */
  sent: string;
  /** The header that carries the key. */
  key: [string, string];
  body: (prompt: string, limit?: number) => Record<string, unknown>;
  /** Where the limit of output tokens stands in what is sent. */
  limited: (tokens: number) => object;
  /** A tool that the provider would run itself, or something else that must not pass. */
  forbidden: Record<string, unknown>[];
}

const contents = (prompt: string) => [{ role: 'user', parts: [{ text: prompt }] }];
const gemini = (
  method: string,
): Pick<Format, 'provider' | 'key' | 'body' | 'limited' | 'forbidden'> & Pick<Format, 'path'> => ({
  provider: 'gemini',
  path: `/v1beta/models/gemini-2.5-pro:${method}`,
  key: ['x-goog-api-key', KEYS.gemini],
  body: (prompt, limit) => ({
    contents: contents(prompt),
    ...(limit === undefined ? {} : { generationConfig: { maxOutputTokens: limit, temperature: 0 } }),
  }),
  limited: (tokens) => ({ generationConfig: { maxOutputTokens: tokens } }),
  forbidden: [
    { tools: [{ googleSearch: {} }] },
    { tools: [{ functionDeclarations: [], codeExecution: {} }] },
    { generationConfig: { candidateCount: 8 } },
    { generationConfig: { max_output_tokens: 100_000 } },
    { generation_config: { maxOutputTokens: 100_000 } },
    { cachedContent: 'cachedContents/of-somebody-else' },
  ],
});
const openai = (path: string) => ({
  ...{ provider: 'openai' as const, path: `/v1${path}`, sent: `/api${path}` },
  key: ['authorization', `Bearer ${KEYS.openai}`] as [string, string],
});

const FORMATS: [string, Format][] = [
  [
    'Chat Completions',
    {
      ...openai('/chat/completions'),
      body: (prompt, limit) => ({
        ...{ model: 'gpt-5.1', stream: true, messages: [{ role: 'user', content: prompt }] },
        ...(limit === undefined ? {} : { max_completion_tokens: limit }),
      }),
      limited: (tokens) => ({ max_completion_tokens: tokens, stream_options: { include_usage: true } }),
      forbidden: [
        { tools: [{ type: 'mcp', server_url: 'https://evil.example' }] },
        { web_search_options: {} },
        { n: 8 },
      ],
    },
  ],
  [
    'Responses',
    {
      ...openai('/responses'),
      body: (prompt, limit) => ({
        ...{ model: 'gpt-5.1', stream: true, input: prompt },
        ...(limit === undefined ? {} : { max_output_tokens: limit }),
      }),
      limited: (tokens) => ({ max_output_tokens: tokens }),
      forbidden: [
        { tools: [{ type: 'web_search' }] },
        { tools: [{ type: 'mcp', server_url: 'https://evil.example' }] },
        { background: true },
      ],
    },
  ],
  [
    'Gemini, streamed',
    {
      ...gemini('streamGenerateContent?alt=sse'),
      sent: '/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse',
    },
  ],
  ['Gemini, whole', { ...gemini('generateContent'), sent: '/v1beta/models/gemini-2.5-pro:generateContent' }],
];

describe('the model gateway', () => {
  let ground: string;
  let model: RehearsalModel;
  let gateway: UnixSocketModelGateway;
  let logged: string[];

  beforeAll(async () => {
    ground = await mkdtemp(join(tmpdir(), 'caisson-providers-'));
    await chmod(ground, 0o711);
    const note = (...parts: unknown[]) => logged.push(JSON.stringify(parts));
    Logger.overrideLogger({ log: note, warn: note, error: note });
  });
  beforeEach(async () => {
    logged = [];
    model = new RehearsalModel();
    const { url } = await model.start();
    const config = Config.from({
      ...{ CAISSON_DATA: ground, ANTHROPIC_API_KEY: 'sk-of-anthropic', UPSTREAM_RETRIES: '1' },
      ...{ OPENAI_API_KEY: KEYS.openai, OPENAI_BASE_URL: `${url}/api` },
      ...{ GEMINI_API_KEY: KEYS.gemini, GEMINI_BASE_URL: url },
    });
    gateway = new UnixSocketModelGateway(config);
  });
  afterEach(async () => {
    await gateway.onApplicationShutdown();
    await model.stop();
  });
  afterAll(() => rm(ground, { recursive: true }));

  describe.each(FORMATS)('speaks %s', (_, { provider, path, sent, key, body, limited, forbidden }) => {
    const open = async ({
      maxTurns,
      ...use
    }: Partial<ModelRouteUse & ModelRouteOrder> = {}): Promise<ModelRoute> => {
      const route = await gateway.open({ provider, models: MODELS, maxTurns });
      route.bind({ executionId: 'execution-1', ...use });
      return route;
    };

    it('passes an answer on, puts in the key, and meters', async () => {
      const route = await open();
      const announced = gateway.answers.once('answer').then(({ data }) => data);
      const { status, body: answer } = await ask({
        ...{ socketPath: route.socketPath, path },
        headers: { [key[0]]: 'of-the-agent', cookie: 'of=the-agent', 'x-forwarded-for': '10.0.0.1' },
        body: body('@think Hm.\n@text Hello there.\n@tool Read {"path":"a"}\n@end'),
      });
      expect(status).toBe(200);
      expect(answer).toContain('Hello there.');
      expect(route.failure()).toBeUndefined();
      const [request] = model.requests;
      expect(request).toMatchObject({ method: 'POST', path: sent, headers: { [key[0]]: key[1] } });
      expect(JSON.stringify(request?.headers)).not.toMatch(/of-the-agent|of=the-agent|10\.0\.0\.1/);
      // A token for four characters: `Hm.`, `Hello there.`, `{"path":"a"}`.
      expect(route.usage().rehearsal).toMatchObject({
        inputTokens: expect.any(Number) as number,
        outputTokens: 7,
      });
      expect(route.usage().rehearsal?.inputTokens).toBeGreaterThan(0);
      expect(await announced).toMatchObject({
        path: path.replace(/\?.*|\/gemini-2.5-pro/g, ''),
        status: 200,
        model: 'rehearsal',
      });
      expect(logged.join()).not.toMatch(/canary/);
    });

    it('clamps to what is left of the output tokens, and then refuses without asking', async () => {
      const route = await open({ maxOutputTokens: 50 });
      const order = { socketPath: route.socketPath, path, body: body('@deltas 1000 of "12345678"', 4000) };
      await ask(order);
      expect(model.requests[0]?.body).toMatchObject(limited(50));
      expect(route.usage().rehearsal?.outputTokens).toBe(50);
      const refused = await ask(order);
      expect(refused.status).toBe(402);
      expect(JSON.parse(refused.body)).toMatchObject({
        error: { message: 'the output tokens of this execution are used up' },
      });
      expect(route.failure()).toMatchObject({ code: 'E011' });
      expect(model.requests).toHaveLength(1);
    });

    it('bounds one that names no limit, and leaves a lower one alone', async () => {
      const route = await open({ maxOutputTokens: 50 });
      await ask({ socketPath: route.socketPath, path, body: body('@text a') });
      await ask({ socketPath: route.socketPath, path, body: body('@text a', 20) });
      expect(model.requests[0]?.body).toMatchObject(limited(50));
      expect(model.requests[1]?.body).toMatchObject(limited(20));
    });

    it('asks so often and no more', async () => {
      const route = await open({ maxTurns: 1 });
      const order = { socketPath: route.socketPath, path, body: body('@text a') };
      expect((await ask(order)).status).toBe(200);
      expect((await ask(order)).status).toBe(402);
      expect(route.failure()).toMatchObject({ code: 'E011' });
    });

    it.each([
      [429, 'E002'],
      [503, 'E005'],
      [529, 'E005'],
    ])('tries %d again, and then tells the agent so that it does not', async (status, code) => {
      const route = await open();
      const { status: told, body: answer } = await ask({
        ...{ socketPath: route.socketPath, path },
        body: body(`@status ${status} retry-after 0`),
      });
      expect({ told, asked: model.requests.length }).toEqual({ told: 400, asked: 2 });
      expect(JSON.parse(answer)).toMatchObject({
        error: { message: expect.stringContaining(`the model service answered ${status}`) as string },
      });
      expect(route.failure()).toMatchObject({ code, retryAfter: 0 });
    });

    it('passes on as it is what is no use trying again', async () => {
      const route = await open();
      const order = { socketPath: route.socketPath, path, body: body('@status 401') };
      expect((await ask(order)).status).toBe(401);
      expect(model.requests).toHaveLength(1);
    });

    it('counts what was seen of an answer that is cut, and calls it a failure', async () => {
      if (sent.endsWith(':generateContent')) return; // there is no half of an answer that comes whole
      const route = await open();
      await expect(
        ask({ socketPath: route.socketPath, path, body: body('@deltas 20 of "12345678"\n@cut') }),
      ).rejects.toThrow();
      expect(route.failure()).toMatchObject({ code: 'E005' });
      await route.close();
      expect(route.usage().rehearsal?.outputTokens).toBe(40);
    });

    it('takes rubbish for no answer', async () => {
      const route = await open();
      await ask({ socketPath: route.socketPath, path, body: body('@rubbish') }).catch(() => undefined);
      await route.close();
      if (!sent.endsWith(':generateContent')) expect(route.failure()).toMatchObject({ code: 'E005' });
      expect(route.usage().rehearsal?.outputTokens ?? 0).toBe(0);
    });

    it.each(forbidden)(
      'refuses what the service itself would do, or nobody would meter: %j',
      async (extra) => {
        const route = await open();
        const { status } = await ask({
          socketPath: route.socketPath,
          path,
          body: { ...body('@text a'), ...extra },
        });
        expect({ status, asked: model.requests.length }).toEqual({ status: 400, asked: 0 });
      },
    );

    it('leads nowhere else', async () => {
      const route = await open();
      const { socketPath } = route;
      const status = async (order: Partial<Parameters<typeof ask>[0]>) =>
        (await ask({ socketPath, path, body: body('@text a'), ...order })).status;
      expect(await status({ method: 'GET', body: undefined })).toBe(404);
      expect(await status({ path: '/v1/messages' })).toBe(404);
      expect(await status({ path: '/v1/models' })).toBe(404);
      expect(await status({ path: `${path.split('?')[0]}/../files` })).toBe(404);
      expect(await status({ body: '[' })).toBe(400);
      expect(await status({ body: [] })).toBe(400);
      const other = JSON.stringify(body('@text a')).replaceAll('gpt-5.1', 'gpt-99');
      expect(await status({ path: path.replace('gemini-2.5-pro', 'gemini-99'), body: other })).toBe(404);
      expect(model.requests).toEqual([]);
    });
  });

  it('counts tokens for Gemini, unmetered and whatever is left', async () => {
    const route = await gateway.open({ provider: 'gemini', models: MODELS });
    route.bind({ executionId: 'execution-1', maxOutputTokens: 1 });
    const path = '/v1beta/models/gemini-2.5-pro:countTokens';
    const answer = await ask({ socketPath: route.socketPath, path, body: { contents: contents('Hello') } });
    expect(JSON.parse(answer.body)).toEqual({ totalTokens: expect.any(Number) as number });
    expect(route.usage()).toEqual({});
  });

  it('meters a whole Chat Completion, older limits, and a service that tells no counts', async () => {
    const route = await gateway.open({ provider: 'openai', models: MODELS });
    route.bind({ executionId: 'execution-1', maxOutputTokens: 60 });
    const whole = {
      model: 'gpt-5.1',
      max_tokens: 100,
      messages: [{ role: 'user', content: '@text Hello there.' }],
    };
    await ask({ socketPath: route.socketPath, path: '/v1/chat/completions', body: whole });
    expect(model.requests[0]?.body).toMatchObject({ max_tokens: 60 });
    expect(model.requests[0]?.body).not.toHaveProperty('max_completion_tokens');
    expect(route.usage().rehearsal?.outputTokens).toBe(3);
  });

  it('has no way to a provider whose key it does not have', async () => {
    const keyless = new UnixSocketModelGateway(
      Config.from({ CAISSON_DATA: ground, ANTHROPIC_API_KEY: 'sk-of-anthropic' }),
    );
    await expect(keyless.open({ provider: 'openai', models: MODELS })).rejects.toMatchObject({
      code: 'E012',
    });
    await keyless.onApplicationShutdown();
  });
});
