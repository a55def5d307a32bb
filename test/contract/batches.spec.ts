/** Batches over HTTP and socket.io: their shapes, what is refused and how, their order in the queue. */
import type { Socket } from 'socket.io-client';
import type { BatchList, BatchView } from '../../src/batches/batch.dto.js';
import type { ItemProblem } from '../../src/batches/batch-intake.js';
import type { BatchFinished, BatchItem } from '../../src/batches/batch-stream.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { ExecutionList, ExecutionView } from '../../src/execution/execution.dto.js';
import { Database } from '../../src/persistence/database.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Answer, Client } from '../support/client.js';
import { refusalOf } from '../support/envelope.js';
import { describeOnEachDatabase } from '../support/databases.js';

const QUICK: ClaudeCodeRequest = { action: 'generate', prompt: '@text Done.' };
const many = (count: number, request: ClaudeCodeRequest = QUICK) =>
  Array.from({ length: count }, (_, index) => ({ ...request, metadata: { projectId: `p${index % 7}` } }));

/** Nothing of a batch starts: the only place is taken by something that never ends. */
describeOnEachDatabase('a batch that waits', (engine) => {
  let caisson: Caisson;
  let client: Client;
  beforeAll(async () => {
    caisson = await startCaisson({
      ...(await engine.settings()),
      CLAUDE_CODE_MAX_CONCURRENT: '1',
      QUEUE_MAX: '1500',
      // One window for all of it: a count of calls must not begin anew in the middle of a test.
      RATE_LIMIT_WINDOW_MS: '3600000',
    });
    const { id } = await caisson.admin.submit({ action: 'analyze', prompt: '@text Working.\n@hang' });
    await caisson.admin.firstEvent(id, 'agent.text');
  });
  beforeEach(async () => {
    client = await caisson.clientOf(`user${performance.now()}`);
  });
  afterEach(async () => {
    const { items } = (await client.get<BatchList>('/api/batches')).body;
    for (const { id } of items) await cancel(id);
    client.close();
  });
  afterAll(() => caisson.clear());

  const submit = (body: unknown, headers?: Record<string, string>, by = client) =>
    by.call<BatchView>('POST', '/api/batches', body, headers);
  const cancel = async (id: string) =>
    (await client.call<BatchView>('POST', `/api/batches/${id}/cancel`)).body;
  const problemsOf = (answer: Answer<unknown>): ItemProblem[] => refusalOf(answer).details as ItemProblem[];
  const rows = (table: 'executions' | 'batches') =>
    caisson.app.get(Database).selectFrom(table).select('id').where('userId', 'like', 'user%').execute();

  it('is answered with 202, its place and its counts, and can be looked at', async () => {
    const { status, headers, body } = await submit({ requests: many(3) });
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/api/batches/${body.id}`);
    expect(body).toEqual({
      id: expect.any(String),
      mode: 'standard',
      status: 'queued',
      total: 3,
      counts: { queued: 3, running: 0, succeeded: 0, failed: 0, cancelled: 0 },
      progress: 0,
      userId: expect.stringMatching(/^user/),
      createdAt: expect.any(Number),
    });
    expect(await client.batch(body.id)).toEqual(body);
    const { items } = (await client.get<ExecutionList>(`/api/executions?batchId=${body.id}`)).body;
    expect(items.map(({ position }) => position).toSorted()).toEqual([0, 1, 2]);
    expect(items.every(({ batchId, status: state }) => batchId === body.id && state === 'queued')).toBe(true);
  });

  it('takes a thousand', async () => {
    const { id } = await client.submitBatch(many(1000));
    expect(await client.batch(id)).toMatchObject({ total: 1000, counts: { queued: 1000 } });
    const audited = (await client.get<{ items: { batchId?: string }[] }>('/api/audit?limit=500')).body.items;
    expect(audited.filter(({ batchId }) => batchId === id)).toHaveLength(500);
    expect(await cancel(id)).toMatchObject({ status: 'cancelled', progress: 1, counts: { cancelled: 1000 } });
    expect((await caisson.admin.get('/api/audit?verify=true')).body).toMatchObject({ valid: true });
  });

  it('is refused above BATCH_MAX_ITEMS, when empty and when it is no list', async () => {
    for (const requests of [many(1001), [], undefined, 'all', {}]) {
      const answer = await submit({ requests });
      expect(answer.status).toBe(400);
      expect(problemsOf(answer)).toEqual([{ field: 'requests', problem: expect.any(String) }]);
    }
    expect(problemsOf(await submit({ requests: many(1), more: 1 }))).toMatchObject([{ field: 'more' }]);
  });

  it('is refused whole for one bad request among a thousand, and leaves nothing', async () => {
    const before = [await rows('executions'), await rows('batches')];
    const requests: unknown[] = many(1000);
    requests[517] = { ...QUICK, promt: 'a slip' };
    const answer = await submit({ requests });
    expect(answer.status).toBe(400);
    expect(problemsOf(answer)).toEqual([
      { index: 517, code: 'E003', field: 'promt', problem: 'property promt should not exist' },
    ]);
    expect([await rows('executions'), await rows('batches')]).toEqual(before);
  });

  it('lists every request that cannot be taken, with what it would have been refused with alone', async () => {
    await client.call('PUT', '/api/projects/files/files/src/here.txt', 'here');
    const named = (projectId: string, context: ClaudeCodeRequest['context']) => ({
      ...QUICK,
      context,
      metadata: { projectId },
    });
    const answer = await submit({
      requests: [
        QUICK,
        { ...QUICK, action: 'destroy' },
        { ...QUICK, options: { depth: 3 } },
        { ...QUICK, prompt: 'Create file at ../../etc/passwd' },
        { ...QUICK, metadata: { userId: 'somebody-else' } },
        null,
        [QUICK],
        named('files', { workingDirectory: '../up' }),
        named('files', { workingDirectory: 'src', files: ['here.txt', 'gone.txt'] }),
        named('files', { files: ['src/here.txt'] }),
        named('files', { workingDirectory: 'src/here.txt' }),
        named('no-such-project', { files: ['any.txt'] }),
      ],
    });
    expect(answer.status).toBe(400);
    expect(problemsOf(answer).map(({ index, code, field }) => `${index} ${code} ${field}`)).toEqual([
      '1 E003 action',
      '2 E003 options.depth',
      '3 E006 prompt',
      '4 E008 metadata.userId',
      '5 E003 ',
      '6 E003 ',
      '7 E004 context.workingDirectory',
      '8 E004 context.files',
      '10 E004 context.workingDirectory',
      '11 E004 context.files',
    ]);
  });

  it('counts every request for QUEUE_MAX, apart from what is interactive', async () => {
    const { id } = await client.submitBatch(many(1000));
    const refused = await submit({ requests: many(501) });
    expect(refusalOf(refused as unknown as Parameters<typeof refusalOf>[0]).code).toBe('E012');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    await client.submitBatch(many(500));
    const single = await client.submit(QUICK);
    await client.call('POST', `/api/executions/${single.id}/cancel`);
    await cancel(id);
    await client.submitBatch(many(501));
  });

  it('is one call for the throttle, and one for its idempotency key', async () => {
    const body = { requests: many(10) };
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => submit(body, { 'idempotency-key': 'nightly' })),
    );
    expect(new Set(answers.map(({ status, body: { id } }) => `${status} ${id}`)).size).toBe(1);
    const remaining = answers.map(({ headers }) => Number(headers.get('ratelimit-remaining')));
    expect(Math.max(...remaining) - Math.min(...remaining)).toBe(3);
    expect((await client.get<ExecutionList>('/api/executions')).body.items).toHaveLength(10);
    const other = await submit({ requests: many(11) }, { 'idempotency-key': 'nightly' });
    expect(refusalOf(other as unknown as Parameters<typeof refusalOf>[0]).code).toBe('E010');
  });

  it('stands in a list that is read page by page, newest first', async () => {
    const ids: string[] = [];
    for (let count = 1; count <= 3; count += 1) ids.unshift((await client.submitBatch(many(count))).id);
    const first = (await client.get<BatchList>('/api/batches?limit=2')).body;
    expect(first.items.map(({ id, counts }) => [id, counts.queued])).toEqual([
      [ids[0], 3],
      [ids[1], 2],
    ]);
    const second = (await client.get<BatchList>(`/api/batches?limit=2&cursor=${first.nextCursor}`)).body;
    expect(second.items.map(({ id }) => id)).toEqual([ids[2]]);
    expect(second.nextCursor).toBeUndefined();
  });

  it('can be cancelled, again and again, and its stream and results tell so', async () => {
    const { id } = await client.submitBatch(many(5));
    const reading = Array.fromAsync(client.batchItems(id));
    expect(await cancel(id)).toMatchObject({ status: 'cancelled', counts: { cancelled: 5 } });
    expect(await cancel(id)).toMatchObject({ status: 'cancelled', counts: { cancelled: 5 } });
    const items = await reading;
    expect(items.at(-1)).toMatchObject({
      type: 'batch.finished',
      batchSeq: 11,
      data: { status: 'cancelled' },
    });
    expect(
      (await client.results(id)).map(({ position, status, response }) => [
        position,
        status,
        response?.error?.code,
      ]),
    ).toEqual([0, 1, 2, 3, 4].map((position) => [position, 'cancelled', 'E013']));
  });

  it('resumes its stream from every number, with no hole and nothing twice', async () => {
    const { id } = await client.submitBatch(many(5));
    await cancel(id);
    const whole = await Array.fromAsync(client.batchItems(id));
    expect(whole.map((item) => 'batchSeq' in item && item.batchSeq)).toEqual(
      Array.from({ length: 11 }, (_, index) => index + 1),
    );
    for (let after = 0; after <= 11; after += 1) {
      const rest = await Array.fromAsync(client.batchItems(id, after));
      expect(rest.map(withoutTime)).toEqual(whole.slice(after).map(withoutTime));
    }
  });

  it('answers the results that are there without waiting, if asked to', async () => {
    const { id } = await client.submitBatch(many(3));
    const [, middle] = (await client.get<ExecutionList>(`/api/executions?batchId=${id}`)).body.items;
    await client.call('POST', `/api/executions/${middle?.id}/cancel`);
    const { headers, body } = await client.get<string>(`/api/batches/${id}/results?wait=false`);
    expect(headers.get('content-type')).toContain('application/x-ndjson');
    expect(body.split('\n')).toEqual([expect.stringContaining('"position":1'), '']);
    expect(await client.batch(id)).toMatchObject({
      status: 'running',
      counts: { queued: 2, cancelled: 1 },
      progress: 1 / 3,
    });
  });

  it('is submitted, followed and cancelled over socket.io', async () => {
    const socket: Socket = await client.socket();
    const items: BatchItem[] = [];
    const complete = new Promise<{ batchId: string; batch: BatchView }>((resolve) =>
      socket.once('claude-code-batch-complete', resolve),
    );
    socket.on('claude-code-batch-data', (item: BatchItem) => items.push(item));
    const { batchId } = (await socket.emitWithAck('claude-code-batch', { requests: many(3) })) as {
      batchId: string;
    };
    expect(await socket.emitWithAck('claude-code-batch-cancel', { batchId })).toEqual({ batchId });
    expect(await complete).toMatchObject({ batchId, batch: { status: 'cancelled' } });
    const history = await Array.fromAsync(client.batchItems(batchId));
    expect(items.filter(({ type }) => type !== 'batch.updated').map(withoutTime)).toEqual(
      history.map(withoutTime),
    );

    const again = await client.socket();
    const end = new Promise<BatchFinished>((resolve) => again.once('claude-code-batch-data', resolve));
    await again.emitWithAck('claude-code-batch-subscribe', { batchId, after: 6 });
    expect(await end).toMatchObject({ type: 'batch.finished', batchSeq: 7 });
    expect(await socket.emitWithAck('claude-code-batch', { requests: [{}] })).toMatchObject({
      error: { code: 'E003', details: [{ index: 0 }, { index: 0 }] },
    });
  });

  it('starts behind everything interactive, whenever that came', async () => {
    const quiet = await startCaisson({ CLAUDE_CODE_MAX_CONCURRENT: '1' });
    try {
      const { id } = await quiet.admin.submit({ action: 'analyze', prompt: '@text Working.\n@hang' });
      await quiet.admin.firstEvent(id, 'agent.text');
      const batch = await quiet.admin.submitBatch(many(2));
      const single = await quiet.admin.submit(QUICK);
      await quiet.admin.call('POST', `/api/executions/${id}/cancel`);
      const ended = await quiet.admin.ended(single.id);
      const results = await quiet.admin.results(batch.id);
      expect(results.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
      const first: ExecutionView = await quiet.admin.execution(results[0]?.executionId ?? '');
      expect(ended.endedAt).toBeLessThanOrEqual(first.startedAt ?? 0);
    } finally {
      await quiet.clear();
    }
  });
});

/** The end of a batch is told when it is asked for; everything else is as it was stored. */
const withoutTime = (item: BatchItem) => (item.type === 'batch.finished' ? { ...item, at: 0 } : item);
