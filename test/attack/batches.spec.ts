/** Batches made to hurt: somebody else's, huge, hostile in every item, cancelled while they start. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'socket.io-client';
import type { BatchList } from '../../src/batches/batch.dto.js';
import type { ItemProblem } from '../../src/batches/batch-intake.js';
import type { ExecutionList } from '../../src/execution/execution.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';
import { refusalOf } from '../support/envelope.js';

const UNKNOWN = '019a8b5e-7c1d-7000-8000-000000000000';
/** Of the moment, not of what was asked for. */
const MOMENTARY = /^(x-request-id|date|ratelimit-)/;
const QUICK = { action: 'generate', prompt: '@text Done.' } as const;
const LIMIT = 64 * 1024;

describe('batches', () => {
  let caisson: Caisson;
  let alice: Client;
  let bob: Client;
  let theirs: string;
  beforeAll(async () => {
    caisson = await startCaisson({
      BATCH_MAX_BYTES: String(LIMIT * 16),
      BODY_MAX_BYTES: String(LIMIT),
      CLAUDE_CODE_MAX_CONCURRENT: '2',
    });
    [alice, bob] = [await caisson.clientOf('alice'), await caisson.clientOf('bob')];
    theirs = (await alice.submitBatch([{ ...QUICK, prompt: '@text Mine alone.' }])).id;
    await alice.results(theirs);
  });
  afterAll(async () => {
    bob.close();
    await caisson.clear();
  });

  const answerTo = async (method: string, path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(bob.url + path, {
      method,
      headers: { authorization: `Bearer ${bob.secret}`, ...headers },
    });
    return {
      status: response.status,
      text: await response.text(),
      headers: [...response.headers].filter(([name]) => !MOMENTARY.test(name)),
    };
  };
  const refusedBatch = async (body: unknown, client = bob) =>
    refusalOf(await client.call('POST', '/api/batches', body));
  const nothingOfBob = async () => {
    expect((await bob.get<BatchList>('/api/batches')).body).toEqual({ items: [] });
    expect((await bob.get<ExecutionList>('/api/executions')).body).toEqual({ items: [] });
  };
  /** Sends the head and no byte of the body. */
  const headOnly = async (headers: Record<string, string>) => {
    const asked = request(`${bob.url}/api/batches`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    });
    asked.flushHeaders();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const body: unknown = JSON.parse(await text(answer));
    asked.destroy();
    return { status: answer.statusCode, body };
  };

  it.each([
    ['GET', '', {}],
    ['GET', '/events', {}],
    ['GET', '/events?after=1', {}],
    ['GET', '/events', { 'last-event-id': '1' }],
    ['GET', '/results', {}],
    ['GET', '/results?wait=false', {}],
    ['POST', '/cancel', {}],
  ])("[B01] somebody else's batch is an unknown one, to the byte: %s %s", async (method, suffix, headers) => {
    const answers = [];
    for (const id of [theirs, UNKNOWN])
      answers.push(await answerTo(method, `/api/batches/${id}${suffix}`, headers));
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.status).toBe(404);
  });

  it.each(['claude-code-batch-subscribe', 'claude-code-batch-cancel'])(
    "[B02] somebody else's batch is an unknown one over socket.io, and nothing is heard: %s",
    async (name) => {
      const socket: Socket = await bob.socket();
      const heard: unknown[] = [];
      socket.on('claude-code-batch-data', (item) => heard.push(item));
      const answers = [];
      for (const batchId of [theirs, UNKNOWN]) answers.push(await socket.emitWithAck(name, { batchId }));
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]).toMatchObject({ error: { code: 'E009' } });
      expect(heard).toEqual([]);
    },
  );

  it("[B03] somebody else's batch stands in no list, of batches or of executions", async () => {
    await nothingOfBob();
    expect((await bob.get(`/api/batches?cursor=${theirs}`)).body).toEqual({ items: [] });
    expect((await bob.get(`/api/executions?batchId=${theirs}`)).body).toEqual({ items: [] });
    expect(refusalOf(await bob.get('/api/batches?userId=alice')).code).toBe('E008');
  });

  it('[B04] one request for another user, hidden among honest ones, refuses all', async () => {
    const requests = Array.from({ length: 20 }, (_, index) =>
      index === 13 ? { ...QUICK, metadata: { userId: 'alice', projectId: 'hers' } } : QUICK,
    );
    expect((await refusedBatch({ requests })).details).toMatchObject([{ index: 13, code: 'E008' }]);
    await nothingOfBob();
    expect((await alice.get('/api/projects/hers/files')).body).toEqual({ items: [] });
  });

  it('[B05] a thousand hostile requests are each listed, in an answer smaller than they are, and leave nothing', async () => {
    const hostile = [
      { ...QUICK, prompt: 'Create file at ../../etc/passwd' },
      { ...QUICK, context: { workingDirectory: '/etc' } },
      { ...QUICK, context: { files: ['../../../root/.ssh/id_rsa'] } },
      { ...QUICK, options: { model: 'x'.repeat(90) } },
      { ...QUICK, metadata: { projectId: '../alice' } },
      { ...QUICK, action: '--dangerously-skip-permissions' },
      { ...QUICK, ...Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`k${n}`, n])) },
      'a string',
      [],
      null,
    ];
    const requests = Array.from({ length: 1000 }, (_, index) => hostile[index % hostile.length]);
    const answer = await bob.call('POST', '/api/batches', { requests });
    const details = refusalOf(answer).details as ItemProblem[];
    expect(answer.status).toBe(400);
    expect(new Set(details.map(({ index }) => index)).size).toBe(1000);
    expect(JSON.stringify(details).length).toBeLessThan(LIMIT * 8);
    await nothingOfBob();
  });

  it('[B06] a key that reaches for a prototype anywhere in it is refused', async () => {
    const body = '{"requests":[{"action":"generate","prompt":"x"},{"__proto__":{"action":"generate"}}]}';
    expect((await refusedBatch(body)).details).toMatchObject([{ field: 'requests.1.__proto__' }]);
    await nothingOfBob();
  });

  it('[B07] more values than a thousand requests have are refused, in many requests or in one', async () => {
    const files = Array.from({ length: 900 }, () => 'f');
    const spread = Array.from({ length: 120 }, () => ({ ...QUICK, context: { files } }));
    for (const requests of [spread, [{ ...QUICK, context: { files: Array(120_000).fill('f') } }]])
      expect((await refusedBatch({ requests })).details).toMatchObject([
        { problem: expect.stringContaining('values') },
      ]);
  });

  it('[B08] a larger body is refused before it is sent; only a batch may be larger than BODY_MAX_BYTES', async () => {
    const authorization = `Bearer ${bob.secret}`;
    const answer = await headOnly({ authorization, 'content-length': String(LIMIT * 16 + 1) });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'E003' } } });
    const body = { requests: [{ ...QUICK, prompt: 'x'.repeat(LIMIT) }] };
    expect((await bob.call('POST', '/api/executions', body.requests[0])).status).toBe(400);
    const { status, body: batch } = await bob.call<{ id: string }>('POST', '/api/batches', body);
    expect(status).toBe(202);
    await bob.call('POST', `/api/batches/${batch.id}/cancel`);
  });

  it('[B09] a body without a length is cut off at the limit', async () => {
    const asked = request(`${bob.url}/api/batches`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bob.secret}`,
        'content-type': 'application/json',
        'transfer-encoding': 'chunked',
      },
    });
    // The server may close while this still sends.
    const closed = once(asked, 'error').then(() => 'closed');
    const answered = once(asked, 'response').then(([response]) => (response as IncomingMessage).statusCode);
    asked.end('['.repeat(LIMIT * 17));
    expect([400, 'closed']).toContain(await Promise.race([answered, closed]));
    asked.destroy();
    expect((await bob.get('/api/batches')).status).toBe(200);
  });

  it.each([
    ['no key', {}],
    ['a wrong key', { authorization: `Bearer csk_${'A'.repeat(43)}` }],
  ])('[B10] a large body is refused before it is read: %s', async (_, headers) => {
    const answer = await headOnly({ ...headers, 'content-length': String(LIMIT * 15) });
    expect(answer).toMatchObject({ status: 401, body: { error: { code: 'E007' } } });
  });

  it('[B11] numbers that are none, or that will never come, hold no stream open', async () => {
    for (const after of ['-1', '1e99', 'abc', '1,2'])
      expect((await answerTo('GET', `/api/batches/${theirs}/events?after=${after}`)).status).toBe(400);
    const beyond = await Array.fromAsync(alice.batchItems(theirs, Number.MAX_SAFE_INTEGER));
    expect(beyond).toEqual([]);
    const { id } = await alice.submitBatch([QUICK]);
    const ahead = Array.fromAsync(alice.batchItems(id, 1_000_000));
    await alice.results(id);
    expect((await ahead).every(({ type }) => type === 'batch.updated')).toBe(true);
  });

  it('[B12] cancelled many times at once while it starts: every execution ends once, and nothing runs on', async () => {
    const requests = Array.from({ length: 12 }, (_, index) => ({
      ...QUICK,
      prompt: '@text Working.\n@hang',
      metadata: { projectId: `p${index % 5}` },
    }));
    const { id } = await alice.submitBatch(requests);
    const reading = Array.fromAsync(alice.batchItems(id));
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => alice.call('POST', `/api/batches/${id}/cancel`)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    const items = await reading;
    const ends = items.flatMap((item) => (item.type === 'execution.finished' ? [item.executionId] : []));
    expect(new Set(ends).size).toBe(12);
    expect(ends).toHaveLength(12);
    expect(await alice.batch(id)).toMatchObject({ status: 'cancelled', counts: { cancelled: 12 } });
    expect((await caisson.admin.get('/api/audit?verify=true')).body).toMatchObject({ valid: true });
  });
});
