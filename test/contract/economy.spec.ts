/** Batches of mode economy. Real: all but the model's service, which is the rehearsal with its batch endpoint. */
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { BatchView } from '../../src/batches/batch.dto.js';
import type { ItemProblem } from '../../src/batches/batch-intake.js';
import { ParcelStore } from '../../src/batches/economy/parcel-store.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { Database } from '../../src/persistence/database.js';
import type { RehearsalModel } from '../../src/model-gateway/rehearsal/rehearsal-model.js';
import type { Client } from '../support/client.js';
import { describeOnEachDatabase } from '../support/databases.js';
import { refusalOf } from '../support/envelope.js';
import { type ModelGround, openModelGround } from '../support/model-ground.js';
import { until } from '../support/processes.js';

const SOON = { ECONOMY_POLL_MS: '100', QUEUE_MAX: '50' };
const REPORT = '@structured {"summary":"Fine.","structure":[],"findings":[]}';
interface Sent {
  custom_id: string;
  params: {
    model: string;
    max_tokens: number;
    stream?: boolean;
    system: { text: string }[];
    tools: { name: string }[];
    tool_choice?: { name: string };
    messages: { content: { text: string }[] }[];
  };
}
const asked = ({ requests }: RehearsalModel, method: string, path: RegExp) =>
  requests.filter((one) => one.method === method && path.test(one.path));
const sentTo = (model: RehearsalModel): Sent[] =>
  asked(model, 'POST', /batches$/).flatMap(({ body }) => (body as { requests: Sent[] }).requests);

describeOnEachDatabase('a batch of mode economy', (engine) => {
  let ground: ModelGround;
  let admin: Client;
  beforeAll(async () => {
    ground = await openModelGround({ ...(await engine.settings()), ...SOON });
    ({ admin } = ground.caisson);
    await put('src/add.js', 'export const add = (a, b) => a + b;\n');
    await put('.env', 'TOKEN=hidden\n');
  });
  beforeEach(() => void ground.model.requests.splice(0));
  afterAll(() => ground.clear());

  const put = (path: string, content: string) =>
    admin.call('PUT', `/api/projects/default/files/${path}`, content);
  const submit = (...requests: ClaudeCodeRequest[]) => admin.submitBatch(requests, undefined, 'economy');
  const cancel = async (path: string) => (await admin.call<BatchView>('POST', `${path}/cancel`)).body;
  const endsOf = async (...requests: ClaudeCodeRequest[]) => {
    const { id } = await submit(...requests);
    return (await admin.results(id)).map(({ status, response }) => [status, response?.error?.code]);
  };

  it('is asked at once, with the files, and its answers are carried out as executions are', async () => {
    const batch = await submit(
      { action: 'analyze', prompt: `Explain.\n${REPORT}`, options: { maxTokens: 900 } },
      {
        action: 'generate',
        prompt: '@text Here it is.\n@tool Write {"file_path":"made.js","content":"made\\n"}',
      },
      {
        action: 'generate',
        prompt: '@tool Write {"file_path":"dry.js","content":"dry\\n"}',
        options: { dryRun: true },
      },
      { action: 'review', prompt: 'Look at src/add.js', context: { files: ['src/add.js'] } },
    );
    expect(batch).toMatchObject({ mode: 'economy', total: 4 });
    const items = await Array.fromAsync(admin.batchItems(batch.id));
    const results = await admin.results(batch.id);
    expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'succeeded'));

    // One parcel, each request under the id of its execution; the key is the gateway's.
    const [post, ...more] = asked(ground.model, 'POST', /batches$/);
    expect(more).toEqual([]);
    expect(post?.headers).toMatchObject({ 'x-api-key': ground.key, 'anthropic-version': '2023-06-01' });
    const sent = sentTo(ground.model);
    expect(sent.map(({ custom_id }) => custom_id)).toEqual(results.map(({ executionId }) => executionId));
    const [analyze, generate, , review] = sent.map(({ params }) => params);
    expect(analyze).toMatchObject({ max_tokens: 900, tool_choice: { name: 'StructuredOutput' } });
    expect(analyze?.stream).toBeUndefined();
    expect(analyze?.messages[0]?.content[0]?.text).toContain('src/add.js:\n```\nexport const add');
    expect(analyze?.messages[0]?.content[0]?.text).not.toContain('hidden');
    expect(analyze?.system.map(({ text }) => text).join('\n')).toContain('You answer once');
    expect(generate?.tools.map(({ name }) => name)).toEqual(['Write']);
    expect(review?.messages[0]?.content[0]?.text).toContain('src/add.js was asked for:\n');

    const [analysis, made, dry] = results.map(({ response }) => response);
    expect(analysis?.result).toMatchObject({ text: 'Fine.', analysis: { summary: 'Fine.' } });
    expect(made?.result).toMatchObject({ text: 'Here it is.', code: 'made\n', files: [{ path: 'made.js' }] });
    expect(dry?.result?.files).toMatchObject([{ path: 'dry.js', action: 'created' }]);
    expect((await admin.get<string>('/api/projects/default/files/made.js')).body).toBe('made\n');
    expect((await admin.get('/api/projects/default/files/dry.js')).status).toBe(404);

    // The stream of the batch and of each execution: numbered, whole, with its end.
    const numbers = items.flatMap((item) => ('batchSeq' in item ? [item.batchSeq] : []));
    expect(numbers).toEqual(Array.from(numbers, (_, index) => index + 1));
    const types = (await admin.history(results[1]?.executionId ?? '')).map(({ type }) => type);
    expect(types.filter((type) => type !== 'usage.updated')).toEqual([
      ...['execution.queued', 'execution.started', 'agent.text', 'agent.tool_use', 'agent.tool_result'],
      ...['workspace.changed', 'execution.finished'],
    ]);
    const { items: entries } = (
      await admin.get<{ items: { type: string; batchId?: string }[] }>('/api/audit')
    ).body;
    expect(entries.filter(({ batchId }) => batchId === batch.id)).toHaveLength(8);
    expect((await admin.get('/api/audit?verify=true')).body).toMatchObject({ valid: true });
    const metrics = (await admin.get<string>('/metrics')).body;
    expect(metrics).toMatch(/caisson_queue_wait_seconds_count\{priority="economy"\} 4/);
  });

  it('can be gone on from, in the conversation of its answer', async () => {
    const { id } = await submit({ action: 'generate', prompt: '@text The number is seven.' });
    const [first] = await admin.results(id);
    const { body } = await admin.run({
      action: 'generate',
      prompt: '@text Seven.',
      options: { continue: first?.executionId },
    });
    expect(body.result?.text).toBe('Seven.');
  });

  it('ends each request by what the service says of it', async () => {
    expect(
      await endsOf(
        { action: 'analyze', prompt: '@status 400' },
        { action: 'analyze', prompt: '@status 529' },
        { action: 'analyze', prompt: '@status 429' },
        { action: 'analyze', prompt: '@expire\n@text late' },
        { action: 'analyze', prompt: '@structured {"summary":7}' },
        { action: 'generate', prompt: '@deltas 500', options: { maxTokens: 10 } },
        { action: 'generate', prompt: '@tool Write {"file_path":"/etc/passwd","content":""}' },
        { action: 'generate', prompt: '@tool Bash {"command":"id"}' },
        { action: 'generate', prompt: '@text Good.' },
      ),
    ).toEqual([
      ['failed', 'E005'],
      ['failed', 'E005'],
      ['failed', 'E002'],
      ['timed_out', 'E001'],
      ['failed', 'E005'],
      ['failed', 'E011'],
      ['failed', 'E005'],
      ['failed', 'E005'],
      ['succeeded', undefined],
    ]);
  });

  it('is refused where one answer will not do, and when too many wait already', async () => {
    const answer = await admin.call<unknown>('POST', '/api/batches', {
      mode: 'economy',
      requests: [
        { action: 'refactor', prompt: 'Tidy up' },
        { action: 'review', prompt: 'Mend', options: { fix: true } },
        { action: 'analyze', prompt: 'Go on', options: { continue: '019a8b5e-7c1d-7000-8000-000000000000' } },
        { action: 'analyze', prompt: 'Look', options: { engine: 'claude-code' } },
        { action: 'analyze', prompt: 'Fine', options: { engine: 'messages' } },
      ],
    });
    expect(answer.status).toBe(400);
    const problems = refusalOf(answer).details as ItemProblem[];
    expect(problems.map(({ index, code, field }) => `${index} ${code} ${field}`)).toEqual([
      ...['0 E003 action', '1 E003 options.fix', '2 E003 options.continue', '3 E003 options.engine'],
    ]);
    expect(problems[0]?.problem).toContain('mode economy asks the model once');
    const wrong = await admin.call<unknown>('POST', '/api/batches', { mode: 'cheap', requests: [{}] });
    expect(refusalOf(wrong).details).toMatchObject([{ field: 'mode' }]);

    const hanging = Array.from({ length: 40 }, () => ({ action: 'analyze' as const, prompt: '@hang' }));
    const { id } = await submit(...hanging);
    const refused = await admin.call<unknown>('POST', '/api/batches', { mode: 'economy', requests: hanging });
    expect(refusalOf(refused).code).toBe('E012');
    expect(await admin.batch(id)).toMatchObject({ status: 'queued', counts: { queued: 40 } });
    expect((await admin.get<string>('/metrics')).body).toContain('caisson_economy_held 40');
    // Nobody stands behind them, in the same workspace or elsewhere.
    expect((await admin.run({ action: 'generate', prompt: '@text Through.' })).body.success).toBe(true);
    await cancel(`/api/batches/${id}`);
    await until(() => asked(ground.model, 'POST', /\/cancel$/).length === 1);
  });

  it('is cancelled at the service when the last of it is cancelled', async () => {
    const { id } = await submit(
      { action: 'analyze', prompt: '@hang' },
      { action: 'generate', prompt: '@hang' },
    );
    await until(() => asked(ground.model, 'GET', /msgbatch_\w+$/).length > 0);
    const [first, second] = (await admin.get<{ items: { id: string }[] }>(`/api/executions?batchId=${id}`))
      .body.items;
    expect(await cancel(`/api/executions/${first?.id}`)).toMatchObject({ status: 'cancelled' });
    expect(await admin.batch(id)).toMatchObject({ status: 'running', counts: { queued: 1, cancelled: 1 } });
    expect(asked(ground.model, 'POST', /\/cancel$/)).toEqual([]);
    expect(await cancel(`/api/executions/${second?.id}`)).toMatchObject({ status: 'cancelled' });
    await until(() => asked(ground.model, 'POST', /batches\/msgbatch_\w+\/cancel$/).length === 1);
    expect((await admin.results(id)).map(({ response }) => response?.error?.code)).toEqual(['E013', 'E013']);
  });

  it('is carried by one process of several, and by another one when that is gone', async () => {
    const database = ground.caisson.app.get(Database);
    const store = ground.caisson.app.get(ParcelStore);
    const id = uuidv7();
    const row = {
      id,
      userId: 'u',
      keyId: 'k',
      requestId: 'r',
      requestHash: '',
      total: 1,
      lastSeq: 1,
      createdAt: 1,
    };
    await database
      .insertInto('batches')
      .values({ ...row, mode: 'economy', closedAt: 1 } as never)
      .execute();
    const here = (process: string) =>
      database.insertInto('processes').values({ id: process, startedAt: 1, seenAt: 1 }).execute();
    const [one, other] = [uuidv7(), uuidv7()];
    await Promise.all([here(one), here(other)]);
    expect(await store.take(database, id, one)).toBe(false); // it is over
    await sql`update batches set "closedAt" = null where id = ${id}`.execute(database);
    // The desk of this process, which is alone, may have been quicker: nobody has heard of it.
    expect(await store.take(database, id, one)).toBe(true);
    expect(await store.take(database, id, other)).toBe(false);
    expect(await store.take(database, id, one)).toBe(true);
    await database.updateTable('processes').set({ lostAt: 1 }).where('id', '=', one).execute();
    expect(await store.take(database, id, other)).toBe(true);
    expect(await store.take(database, id, one)).toBe(false);
    await store.closeBatch(id);
  });
});
