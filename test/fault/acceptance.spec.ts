/** What is accepted, in which order it runs, and what is refused: the queue under load, repeated calls, a broken audit. */
import { sql } from 'kysely';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { ExecutionList, ExecutionView } from '../../src/execution/execution.dto.js';
import { Database } from '../../src/persistence/database.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';

const HANG: ClaudeCodeRequest = { action: 'analyze', prompt: '@text Working.\n@hang' };
const QUICK: ClaudeCodeRequest = { action: 'generate', prompt: '@text Done.' };

const cancel = (client: Client, id: string) => client.call('POST', `/api/executions/${id}/cancel`);

/** Runs something that never ends by itself, and resolves when it has taken the only place. */
async function occupy(client: Client): Promise<string> {
  const { id } = await client.submit(HANG);
  await client.firstEvent(id, 'agent.text');
  return id;
}

describe('the order of waiting executions', () => {
  it('[Q01] the first of one user runs before the second of another who queued 50', async () => {
    const caisson = await startCaisson({ CLAUDE_CODE_MAX_CONCURRENT: '1' });
    try {
      const [greedy, modest] = [await caisson.clientOf('greedy'), await caisson.clientOf('modest')];
      const occupied = await occupy(caisson.admin);
      const many: ExecutionView[] = [];
      for (let count = 0; count < 50; count++) many.push(await greedy.submit(QUICK));
      const one = await modest.submit(QUICK);
      await cancel(caisson.admin, occupied);

      const modestEnded = await modest.ended(one.id);
      const rest = await Promise.all(many.slice(2).map(({ id }) => cancel(greedy, id)));
      expect(rest.every(({ status }) => status === 200)).toBe(true);
      const [first, second] = await Promise.all(many.slice(0, 2).map(({ id }) => greedy.ended(id)));

      expect([first?.status, modestEnded.status, second?.status]).toEqual(Array(3).fill('succeeded'));
      expect(first?.startedAt).toBeLessThan(modestEnded.startedAt ?? 0);
      expect(modestEnded.startedAt).toBeLessThan(second?.startedAt ?? 0);
    } finally {
      await caisson.clear();
    }
  });
});

describe('with CLAUDE_CODE_MAX_CONCURRENT=1 and one that never ends', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson({ CLAUDE_CODE_MAX_CONCURRENT: '1', QUEUE_MAX: '3' });
    await occupy(caisson.admin);
  });
  afterAll(() => caisson.clear());

  const submit = (client: Client, request: ClaudeCodeRequest, key?: string) =>
    client.call<ExecutionView & { error?: { code: string } }>(
      'POST',
      '/api/executions',
      request,
      key === undefined ? {} : { 'idempotency-key': key },
    );
  const cancelAll = async (client: Client) => {
    const { items } = (await client.get<ExecutionList>('/api/executions?status=queued')).body;
    for (const { id } of items) await cancel(client, id);
  };

  it('[Q02] one idempotency key and one body are one execution, also when they come at once', async () => {
    const client = await caisson.clientOf('repeating');
    const answers = await Promise.all(Array.from({ length: 5 }, () => submit(client, QUICK, 'order-1')));
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(202));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect((await submit(client, QUICK, 'order-1')).body.id).toBe(answers[0]?.body.id);
    expect((await client.get<ExecutionList>('/api/executions')).body.items).toHaveLength(1);
    await cancelAll(client);
    expect((await submit(client, QUICK, 'order-1')).body).toMatchObject({
      id: answers[0]?.body.id,
      status: 'cancelled',
    });
  });

  it('[Q03] one idempotency key with another body is refused with 409 E010, also when they come at once', async () => {
    const client = await caisson.clientOf('confused');
    const answers = await Promise.all([
      submit(client, QUICK, 'order-2'),
      submit(client, { ...QUICK, prompt: '@text Other.' }, 'order-2'),
    ]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.error?.code).toBe('E010');
    await cancelAll(client);
  });

  it('[Q04] the same idempotency key of another user is another', async () => {
    const [one, other] = [await caisson.clientOf('one'), await caisson.clientOf('other')];
    const [first, second] = [await submit(one, QUICK, 'shared'), await submit(other, HANG, 'shared')];
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(first.body.id).not.toBe(second.body.id);
    await Promise.all([cancelAll(one), cancelAll(other)]);
  });

  it('[Q05] a full queue answers 503 E012 with Retry-After, and keeps to its size when many come at once', async () => {
    const client = await caisson.clientOf('flood');
    await client.call('PUT', '/api/projects/default/files/here.txt', 'here');
    // Files are looked for between being let in and waiting: time for all twelve to be let in.
    const request = { ...QUICK, context: { files: ['here.txt'] } };
    const answers = await Promise.all(Array.from({ length: 12 }, () => submit(client, request)));
    const refused = answers.filter(({ status }) => status === 503);
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(3);
    expect(refused).toHaveLength(9);
    for (const { body, headers } of refused) {
      expect(body).toMatchObject({ success: false, error: { code: 'E012' } });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    await cancelAll(client);
    expect((await submit(client, QUICK)).status).toBe(202);
    await cancelAll(client);
  });

  it('[Q06] a submission that cannot be audited is refused with E012 and leaves nothing', async () => {
    const client = await caisson.clientOf('unaudited');
    const database = caisson.app.get(Database);
    await sql`CREATE TRIGGER audit_full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no space'); END`.execute(
      database,
    );
    try {
      const { status, body } = await submit(client, QUICK, 'order-3');
      expect({ status, code: body.error?.code }).toEqual({ status: 503, code: 'E012' });
    } finally {
      await sql`DROP TRIGGER audit_full`.execute(database);
    }
    expect((await client.get<ExecutionList>('/api/executions')).body.items).toEqual([]);
    expect(
      await database.selectFrom('executions').select('id').where('userId', '=', 'unaudited').execute(),
    ).toEqual([]);
    expect((await submit(client, QUICK, 'order-3')).status).toBe(202);
    await cancelAll(client);
  });
});
