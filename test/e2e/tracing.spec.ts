/** One trace from the HTTP request to the model's service, seen by a real collector; and nothing of it when it is off. */
import { rm } from 'node:fs/promises';
import { io } from 'socket.io-client';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { ended, startCluster } from '../support/cluster.js';
import { until } from '../support/processes.js';
import { buildServer, killServers, startServer } from '../support/server-process.js';
import { startCollector, type TraceCollector, treeOf } from '../support/trace-collector.js';

const TRACE = 'ab'.repeat(16);
const CALLER = 'cd'.repeat(8);
const traceparent = (flags: '00' | '01') => ({ traceparent: `00-${TRACE}-${CALLER}-${flags}` });

/** What the prompt says to the rehearsal; none of it may be seen in a trace. */
const SAID = 'the-words-of-a-user';
const generate = { action: 'generate' as const, prompt: `@text ${SAID}` };

describe('tracing', () => {
  let collector: TraceCollector | undefined;
  let caisson: Caisson | undefined;
  afterEach(async () => {
    await caisson?.clear();
    await collector?.stop();
    caisson = collector = undefined;
  });

  const start = async (settings: NodeJS.ProcessEnv = {}) => (caisson = await startCaisson(settings));
  const json = (url: string) => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  });

  // First in this file: what another test has loaded would be seen here.
  it('is off by default: no SDK is loaded, and no answer has a trace id', async () => {
    const { admin } = await start();
    const { status, headers, body } = await admin.run(generate, traceparent('01'));
    expect([status, headers.get('x-trace-id')]).toEqual([200, null]);
    const refused = await admin.get('/api/executions/unknown');
    for (const answer of [body, refused.body]) expect(answer.metadata).not.toHaveProperty('traceId');
    const loaded = Object.keys(require.cache).filter((file) => file.includes('@opentelemetry/'));
    expect(loaded.filter((file) => !file.includes('@opentelemetry/api/'))).toEqual([]);
  });

  it("goes on from the caller's trace to the model's service, and tells no word of what was said", async () => {
    collector = await startCollector();
    const { admin, stop } = await start({
      ...json(collector.url),
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=blue,authorization=Basic%20abc%3D',
    });
    const { headers, body } = await admin.run(generate, traceparent('01'));
    expect(headers.get('x-trace-id')).toBe(TRACE);
    expect(body.metadata.traceId).toBe(TRACE);
    await stop();

    const spans = collector.spans().filter(({ traceId }) => traceId === TRACE);
    const [tree, calls] = [treeOf(spans), spans.filter(({ name }) => name === 'POST /v1/messages')];
    expect([...new Set(tree)]).toEqual([
      'POST /api/claude-code > execution.submit',
      `${CALLER} > POST /api/claude-code`,
      'execution.attempt > POST /v1/messages',
      'execution.attempt > engine.start',
      'execution.attempt > execution.end',
      'execution.submit > execution.attempt',
      'execution.submit > execution.wait',
    ]);
    expect(calls.length).toBeGreaterThan(0);
    for (const { attributes } of calls)
      expect(attributes).toMatchObject({
        'http.response.status_code': 200,
        'caisson.upstream.attempts': 1,
        'gen_ai.response.model': 'rehearsal',
      });
    const find = (wanted: string) => spans.find(({ name }) => name === wanted)!;
    const [http, attempt] = [find('POST /api/claude-code'), find('execution.attempt')];
    expect(http.attributes).toMatchObject({
      'http.route': '/api/claude-code',
      'http.response.status_code': 200,
    });
    expect(attempt.attributes).toMatchObject({
      'caisson.execution.id': body.metadata.executionId,
      'caisson.execution.attempt': 1,
      'caisson.action': 'generate',
    });
    for (const { start: begun, end, ...call } of calls) {
      expect(call.resource).toMatchObject({ 'service.name': 'caisson', 'caisson.role': 'all' });
      expect([begun >= attempt.start, end <= attempt.end]).toEqual([true, true]);
    }
    const [sent] = collector.received;
    expect(sent).toMatchObject({
      path: '/v1/traces',
      headers: { 'x-tenant': 'blue', authorization: 'Basic abc=' },
    });
    expect(collector.received.map(({ body: bytes }) => bytes.toString()).join()).not.toContain(SAID);
  });

  it('begins at a message over socket.io as at a request, in the trace that the socket was opened with', async () => {
    collector = await startCollector();
    const { url, admin, stop } = await start(json(collector.url));
    const socket = io(url, {
      auth: { token: admin.secret },
      extraHeaders: traceparent('01'),
      transports: ['websocket'],
      reconnection: false,
    });
    const complete = new Promise((resolve) => socket.once('claude-code-complete', resolve));
    await socket.emitWithAck('claude-code-stream', generate);
    await complete;
    await socket.emitWithAck('claude-code-subscribe', { executionId: 'unknown' });
    await socket.emitWithAck('made-up-by-the-client');
    socket.disconnect();
    await stop();
    const spans = collector.spans().filter(({ traceId }) => traceId === TRACE);
    expect(treeOf(spans)).toEqual(
      expect.arrayContaining([
        `${CALLER} > socket.io claude-code-stream`,
        'socket.io claude-code-stream > execution.submit',
        'execution.submit > execution.attempt',
        `${CALLER} > socket.io claude-code-subscribe`,
        `${CALLER} > socket.io unknown message`,
      ]),
    );
    const find = (wanted: string) => spans.find(({ name }) => name === wanted);
    expect(find('socket.io claude-code-stream')?.attributes).not.toHaveProperty('error.type');
    expect(find('socket.io claude-code-subscribe')).toMatchObject({
      failed: false,
      attributes: { 'error.type': 'E009' },
    });
    expect(JSON.stringify(spans)).not.toContain('made-up');
  });

  it('names the trace in refusals, marks what failed by its code, sends nothing that the caller did not sample', async () => {
    collector = await startCollector();
    const { admin, stop } = await start(json(collector.url));
    const refused = await admin.get('/api/executions/unknown');
    const failed = await admin.run({ ...generate, prompt: '@status 400' });
    const unsampled = await admin.run(generate, traceparent('00'));
    await stop();
    expect([unsampled.body.success, unsampled.body.metadata.traceId]).toEqual([true, TRACE]);
    expect(collector.spans().filter(({ traceId }) => traceId === TRACE)).toEqual([]);
    expect(refused.body.metadata.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(refused.headers.get('x-trace-id')).toBe(refused.body.metadata.traceId);
    const { error, metadata } = failed.body;
    const ofFailed = collector.spans().filter(({ traceId }) => traceId === metadata.traceId);
    const marked = ofFailed.filter((span) => span.failed && span.name !== 'POST /api/claude-code');
    expect([failed.status, error?.code]).toEqual([502, 'E005']);
    expect(marked.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['execution.attempt', 'POST /v1/messages']),
    );
    expect(marked.map(({ attributes }) => attributes['error.type'])).toEqual(marked.map(() => 'E005'));
    const [http] = collector.spans().filter(({ traceId }) => traceId === refused.body.metadata.traceId);
    expect(http).toMatchObject({ name: 'GET /api/executions/:id', attributes: { 'error.type': 'E009' } });
  });

  it('is sent as protobuf unless something else is asked for', async () => {
    collector = await startCollector();
    const { admin, stop } = await start({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/own/path`,
    });
    await admin.run(generate, traceparent('01'));
    await stop();
    const { path, headers, body } = collector.received[0]!;
    expect([path, headers['content-type']]).toEqual(['/own/path', 'application/x-protobuf']);
    expect(body.includes(Buffer.from(TRACE, 'hex'))).toBe(true);
    expect(body.includes('execution.submit')).toBe(true);
  });

  it.each(['is away', 'never answers'])(
    'harms no execution and no stop when the collector %s',
    async (kind) => {
      buildServer();
      const { url, stop } = (collector = await startCollector({ answers: false }));
      if (kind === 'is away') {
        await stop();
        collector = undefined;
      }
      const directory = await temporaryDirectory();
      try {
        const server = await startServer(directory, {
          ...json(url),
          OTEL_BSP_SCHEDULE_DELAY: '100',
          ...(kind === 'is away' ? { OTEL_EXPORTER_OTLP_TIMEOUT: '500' } : {}),
        });
        const { body } = await server.admin.run(generate);
        expect(body).toMatchObject({ success: true, result: { text: SAID } });
        if (kind === 'is away') await until(() => server.output().includes('traces cannot be sent'));
        else await until(() => (collector?.received.length ?? 0) > 0);
        const begun = performance.now();
        server.signal('SIGTERM');
        expect(await server.exited).toMatchObject({ code: 0 });
        // The flush is given up after 2 s, well before the exporter's own 10; the rest of a stop takes less than one.
        expect(performance.now() - begun).toBeLessThan(6000);
      } finally {
        await killServers();
        await rm(directory, { recursive: true, force: true });
      }
    },
  );

  it('is one trace over an api and a worker process, and its id is in the log lines of both', async () => {
    collector = await startCollector();
    const cluster = await startCluster({ ...json(collector.url), OTEL_BSP_SCHEDULE_DELAY: '100' });
    try {
      const [api, worker] = await Promise.all([cluster.start('api'), cluster.start('worker')]);
      const { id } = await api.admin.submit(generate, traceparent('01'));
      expect(await ended(api.admin, id)).toMatchObject({
        status: 'succeeded',
        response: { metadata: { traceId: TRACE } },
      });
      const ours = () => collector!.spans().filter(({ traceId }) => traceId === TRACE);
      await until(() => ours().some(({ name }) => name === 'execution.attempt'));
      const roleOf = (wanted: string) => ours().find(({ name }) => name === wanted)?.resource['caisson.role'];
      expect(['POST /api/executions', 'execution.submit', 'execution.attempt'].map(roleOf)).toEqual([
        ...['api', 'api', 'worker'],
      ]);
      expect(treeOf(ours())).toEqual(
        expect.arrayContaining([
          `${CALLER} > POST /api/executions`,
          'POST /api/executions > execution.submit',
          'execution.submit > execution.wait',
          'execution.submit > execution.attempt',
          'execution.attempt > POST /v1/messages',
        ]),
      );
      for (const { output } of [api, worker]) expect(output()).toContain(`"traceId":"${TRACE}"`);
    } finally {
      await cluster.stop();
    }
  });
});
