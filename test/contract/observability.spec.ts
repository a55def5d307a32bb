/** Metrics, usage and probes over real HTTP, fed by the announcements an execution makes. */
import type { ErrorCode } from '../../src/errors/catalogue.js';
import type { Execution } from '../../src/execution/execution.js';
import type { UsageByModel } from '../../src/model-gateway/model-gateway.js';
import { bodyOf, type EdgeApp, openEdgeApp } from '../support/edge-app.js';
import { describeOnEachDatabase } from '../support/databases.js';

const DAY = Date.UTC(2026, 10, 20, 23, 59);

function execution(id: string, userId: string, projectId: string, errorCode?: ErrorCode): Execution {
  return {
    id,
    userId,
    projectId,
    keyId: 'key',
    requestId: 'request',
    action: 'review',
    access: 'read-only',
    priority: 'interactive',
    engine: 'claude-code',
    model: 'claude-sonnet-4-5',
    request: { action: 'review', prompt: 'x' },
    status: errorCode === undefined ? 'succeeded' : 'failed',
    attempt: 1,
    lastSeq: 3,
    createdAt: DAY - 5000,
    startedAt: DAY - 3000,
    endedAt: DAY,
    errorCode,
  };
}
const used = (model: string, inputTokens: number, costUsd?: number): UsageByModel => ({
  [model]: { inputTokens, outputTokens: 10, cacheCreationTokens: 1, cacheReadTokens: 2, costUsd },
});

describeOnEachDatabase('observability', (engine) => {
  let app: EdgeApp;
  let key: string;
  beforeEach(async () => {
    app = await openEdgeApp(await engine.settings());
    key = await app.key('alice', 'read');
  });
  afterEach(() => app.close());

  const end = async (it: Execution, usage: UsageByModel) => {
    await app.database
      .transaction()
      .execute((db) => app.events.emitSerial('execution.ended', { execution: it, usage, db }));
    await app.events.emitSerial('execution.settled', { execution: it, usage });
  };

  describe('/metrics', () => {
    const metrics = async () => (await app.call('/metrics', key)).text();

    it('counts and times executions under the names of the specification', async () => {
      await app.events.emitSerial('execution.started', {
        execution: execution('1', 'alice', 'demo'),
        waitedMs: 2000,
      });
      await app.events.emitSerial('execution.first-token', {
        execution: execution('1', 'alice', 'demo'),
        afterMs: 50,
      });
      await end(execution('1', 'alice', 'demo'), used('claude-sonnet-4-5-20250929', 100));
      await end(execution('2', 'alice', 'demo', 'E005'), used('model-somebody-made-up', 5));
      const text = await metrics();
      for (const line of [
        'claude_code_requests_total{action="review",status="succeeded"} 1',
        'claude_code_requests_total{action="review",status="failed"} 1',
        'claude_code_errors_total{code="E005"} 1',
        'claude_code_duration_seconds_sum{action="review"} 6',
        'claude_code_tokens_total{type="input",model="claude-sonnet-4-5"} 100',
        'claude_code_tokens_total{type="cache_read",model="other"} 2',
        'caisson_queue_wait_seconds_sum{priority="interactive"} 2',
        'caisson_first_token_seconds_sum 0.05',
      ])
        expect(text.split('\n')).toContain(line);
      expect(text).toContain('nodejs_eventloop_lag_seconds');
      expect(text).not.toMatch(/alice|demo|made-up/);
    });

    it('counts refused calls by code', async () => {
      await app.call('/api/keys', 'csk_wrong');
      await app.call('/api/keys', key);
      const lines = (await metrics()).split('\n');
      expect(lines).toContain('claude_code_errors_total{code="E007"} 1');
      expect(lines).toContain('claude_code_errors_total{code="E008"} 1');
    });

    it('times the model service by status, with few labels', async () => {
      for (const status of [200, 418, 529])
        await app.gateway.answers.emit('answer', {
          path: '/v1/messages',
          status,
          durationMs: 500,
          attempts: 1,
        });
      const lines = (await metrics()).split('\n');
      for (const status of ['200', '4xx', '529'])
        expect(lines).toContain(`caisson_upstream_duration_seconds_sum{status="${status}"} 0.5`);
    });

    it('times sandboxes and streams', async () => {
      await app.sandbox.starts.emit('started', { afterMs: 8 });
      app.eventLog.deliveries.emit('delivered', { lagMs: 30 });
      const lines = (await metrics()).split('\n');
      expect(lines).toContain('caisson_sandbox_start_seconds_bucket{le="0.01"} 1');
      expect(lines).toContain('caisson_stream_lag_seconds_sum 0.03');
    });

    it('shows the queue as it is', async () => {
      Object.assign(app.queue, { waiting: { interactive: 7, batch: 900 }, running: 2 });
      const lines = (await metrics()).split('\n');
      expect(lines).toContain('caisson_queue_depth{priority="interactive"} 7');
      expect(lines).toContain('caisson_queue_depth{priority="batch"} 900');
      expect(lines).toContain('caisson_running 2');
    });

    it('needs the scope read', async () => {
      expect((await app.call('/metrics', await app.key('bob', 'run'))).status).toBe(403);
    });
  });

  it('serves /metrics to everybody when METRICS_PUBLIC is set', async () => {
    const open = await openEdgeApp({ METRICS_PUBLIC: 'true' });
    expect((await open.call('/metrics')).status).toBe(200);
    await open.close();
  });

  describe('/api/usage', () => {
    beforeEach(async () => {
      await end(execution('1', 'alice', 'demo'), { ...used('a', 100, 0.5), ...used('b', 1) });
      await end(execution('2', 'alice', 'other'), used('a', 50, 0.25));
      await end(execution('3', 'bob', 'demo'), used('a', 7));
      await end(execution('4', 'alice', 'demo', 'E013'), {});
    });
    const usage = async (query: string, as = key) => bodyOf(app.call(`/api/usage${query}`, as));

    it('sums the own requests, tokens and cost by day', async () => {
      expect(await usage('')).toEqual({
        items: [
          expect.objectContaining({
            day: '2026-11-20',
            requests: 3,
            inputTokens: 151,
            tokens: 190,
            costUsd: 0.75,
          }),
        ],
        total: expect.objectContaining({ requests: 3, tokens: 190, costUsd: 0.75 }),
      });
    });

    it('sums by project and model', async () => {
      const { items } = await usage('?groupBy=project,model');
      expect(
        items.map((item: Record<string, unknown>) => [
          item.projectId,
          item.model,
          item.requests,
          item.inputTokens,
        ]),
      ).toEqual([
        ['demo', 'a', 1, 100],
        ['demo', 'b', 1, 1],
        ['demo', 'claude-sonnet-4-5', 1, 0],
        ['other', 'a', 1, 50],
      ]);
    });

    it("shows administrators everybody's", async () => {
      const admin = await app.key('root', 'admin');
      const { items } = await usage('?groupBy=user', admin);
      expect(items.map((item: Record<string, unknown>) => [item.userId, item.requests])).toEqual([
        ['alice', 3],
        ['bob', 1],
      ]);
    });

    it('is empty outside the days asked for', async () => {
      expect(await usage('?from=2026-11-21')).toMatchObject({
        items: [],
        total: { requests: 0, tokens: 0, costUsd: 0 },
      });
      expect((await usage('?from=2026-11-20&to=2026-11-20')).items).toHaveLength(1);
    });

    it.each(['?groupBy=hash', '?from=yesterday', '?groupBy=day,day', '?user=bob'])(
      'refuses %s',
      async (query) => {
        expect((await app.call(`/api/usage${query}`, key)).status).toBe(400);
      },
    );
  });

  describe('probes', () => {
    const ready = async () => {
      const response = await app.call('/health/ready');
      return { status: response.status, body: await bodyOf(response) };
    };

    it('is ready when database and sandbox are', async () => {
      app.sandbox.report = { ok: true, checks: [], warnings: [] };
      expect(await ready()).toMatchObject({
        status: 200,
        body: { status: 'ok', details: { database: { status: 'up' } } },
      });
    });

    it('is not ready before the sandbox was probed', async () => {
      app.sandbox.report = undefined;
      expect(await ready()).toMatchObject({ status: 503, body: { error: { code: 'E012' } } });
    });

    it('says what is missing in the sandbox and what mends it', async () => {
      app.sandbox.report = {
        ok: false,
        warnings: [],
        checks: [
          { name: 'no network', ok: true },
          { name: 'bubblewrap', ok: false, reason: 'not found', mend: 'apt-get install bubblewrap' },
        ],
      };
      const { status, body } = await ready();
      expect(status).toBe(503);
      expect(body).toMatchObject({
        success: false,
        error: {
          code: 'E012',
          details: {
            sandbox: {
              status: 'down',
              misses: [{ name: 'bubblewrap', reason: 'not found', mend: 'apt-get install bubblewrap' }],
            },
          },
        },
      });
    });

    it('is not ready while shutting down, and alive all the same', async () => {
      app.sandbox.report = { ok: true, checks: [], warnings: [] };
      app.lifecycle.beginStop();
      expect(await ready()).toMatchObject({
        status: 503,
        body: { error: { details: { lifecycle: { status: 'down' } } } },
      });
      expect((await app.call('/health/live')).status).toBe(200);
      expect((await app.call('/health/startup')).status).toBe(200);
    });

    it('is neither started nor ready without its database', async () => {
      const broken = await openEdgeApp();
      await broken.database.destroy();
      for (const path of ['/health/startup', '/health/ready']) {
        const response = await broken.call(path);
        expect(response.status).toBe(503);
        expect(await bodyOf(response)).toMatchObject({
          error: { details: { database: { status: 'down' } } },
        });
      }
      expect((await broken.call('/health/live')).status).toBe(200);
      await broken.close();
    });

    it('records no probe in the audit', async () => {
      app.sandbox.report = undefined;
      await ready();
      expect(await app.database.selectFrom('audit').selectAll().execute()).toEqual([]);
    });
  });
});
