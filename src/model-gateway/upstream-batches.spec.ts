import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ModelAnswer } from './model-gateway.js';
import { ServiceFailure } from './message-batches.js';
import { messagesWire } from './anthropic/messages-wire.js';
import { Upstream } from './upstream.js';
import { UpstreamBatches } from './upstream-batches.js';

/** Lines as the reference shows them: https://platform.claude.com/docs/en/api/messages/batches/results. */
const RESULTS = [
  {
    custom_id: 'two',
    result: {
      type: 'succeeded',
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'claude-sonnet-5-5-20260901',
        content: [{ type: 'text', text: 'Hello again.' }],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage: { input_tokens: 1_000_000, output_tokens: 100_000 },
      },
    },
  },
  {
    custom_id: 'one',
    result: {
      type: 'errored',
      error: { type: 'error', error: { type: 'invalid_request_error', message: 'no' } },
    },
  },
  { custom_id: 'three', result: { type: 'expired' } },
];

describe('the batch endpoint of the service', () => {
  const asked: { line: string; key?: unknown; body: string }[] = [];
  const told: ModelAnswer[] = [];
  const { signal } = new AbortController();
  const server = createServer((request: IncomingMessage, response) => {
    void text(request).then((body) => {
      asked.push({ line: `${request.method} ${request.url}`, key: request.headers['x-api-key'], body });
      if (request.url?.endsWith('/results') === true)
        return response.end(RESULTS.map((line) => JSON.stringify(line)).join('\n'));
      const status = request.url?.endsWith('/b_404') === true ? 404 : 200;
      response.writeHead(status, { 'content-type': 'application/json' });
      return response.end(
        JSON.stringify({
          id: 'msgbatch_1',
          processing_status: 'ended',
          // A proxy that passes on what the service says of itself.
          results_url: 'https://elsewhere.example/v1/messages/batches/msgbatch_1/results',
        }),
      );
    });
  });
  let upstream: Upstream;
  let batches: UpstreamBatches;
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix`;
    upstream = new Upstream({ url, wire: messagesWire, key: 'sk-key', retries: 0, timeoutMs: 1000 });
    batches = new UpstreamBatches({
      upstream: () => Promise.resolve(upstream),
      models: ['claude-sonnet-5-5'],
      onAnswer: (answer) => told.push(answer),
    });
  });
  afterAll(async () => {
    await upstream.close();
    server.close();
  });

  it('is asked with the key, for checked and bounded requests; what it answers is metered at half the price', async () => {
    const request = { model: 'claude-sonnet-5-5', max_tokens: 500, messages: [] };
    const packed = batches.pack({ id: 'one', request, maxOutputTokens: 100 });
    expect(await batches.submit([packed, batches.pack({ id: 'two', request })], signal)).toBe('msgbatch_1');
    const { resultsPath } = await batches.look('msgbatch_1', signal);
    // Never the host that it names: the key goes to the configured service only.
    expect(resultsPath).toBe('/v1/messages/batches/msgbatch_1/results');
    const results = await Array.fromAsync(batches.results(resultsPath ?? '', signal));
    await batches.cancel('msgbatch_1', signal);
    expect(results).toEqual([
      {
        id: 'two',
        kind: 'answered',
        message: RESULTS[0]?.result.message,
        usage: {
          'claude-sonnet-5-5-20260901': expect.objectContaining({ inputTokens: 1_000_000, costUsd: 1.5 }),
        },
      },
      { id: 'one', kind: 'failed', code: 'E005', message: expect.stringContaining('invalid_request_error') },
      { id: 'three', kind: 'expired' },
    ]);
    const path = '/prefix/v1/messages/batches';
    expect(asked.map(({ line, key }) => [line, key])).toEqual([
      [`POST ${path}`, 'sk-key'],
      [`GET ${path}/msgbatch_1`, 'sk-key'],
      [`GET ${path}/msgbatch_1/results`, 'sk-key'],
      [`POST ${path}/msgbatch_1/cancel`, 'sk-key'],
    ]);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      requests: [
        { custom_id: 'one', params: { ...request, max_tokens: 100 } },
        { custom_id: 'two', params: request },
      ],
    });
    expect(told).toHaveLength(4);
    expect(told[0]).toMatchObject({ path: '/v1/messages/batches', status: 200, attempts: 1 });
  });

  it('is not asked for a model that is not listed, and says what would be refused again', async () => {
    const request = { model: 'other', max_tokens: 1, messages: [] };
    expect(() => batches.pack({ id: 'one', request })).toThrow(ServiceFailure);
    await expect(batches.look('b_404', signal)).rejects.toMatchObject({ code: 'E005', isFinal: true });
    await upstream.close();
    await expect(batches.look('msgbatch_1', signal)).rejects.toMatchObject({ code: 'E005', isFinal: false });
  });
});
