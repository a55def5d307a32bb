/** `options.continue`: the real CLI goes on in a conversation that it never saw, because the server has kept it. */
import type { AuditPage } from '../../src/audit/audit.dto.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { ClaudeCodeResponse } from '../../src/commands/claude-code-response.js';
import { Retention } from '../../src/execution/retention.js';
import { Database } from '../../src/persistence/database.js';
import type { Client } from '../support/client.js';
import { lastBody, lastHeard } from '../support/heard.js';
import { type ModelGround, openModelGround } from '../support/model-ground.js';
import { watchWarmPlaces } from '../support/warm.js';

const UNKNOWN = '019a8b5e-7c1d-7000-8000-000000000000';

type Asked = Partial<ClaudeCodeRequest> & { prompt: string };

const idOf = ({ metadata }: ClaudeCodeResponse) => metadata.executionId;

describe('a conversation', () => {
  let ground: ModelGround;
  let admin: Client;
  beforeAll(async () => {
    ground = await openModelGround({ POOL_SIZE: '2', CONVERSATION_MAX_BYTES: '200000' });
    ({ admin } = ground.caisson);
  });
  afterAll(() => ground.clear());

  const ask = (request: Asked, projectId = 'talk', client = admin) =>
    client.run({ action: 'generate', metadata: { projectId }, ...request });
  const run = async (request: Asked, projectId?: string) => {
    const { status, body } = await ask(request, projectId);
    expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
    return body;
  };
  const refusal = async (request: Asked, projectId?: string, client?: Client) => {
    const { status, body } = await ask(request, projectId, client);
    return { status, code: body.error?.code, message: body.error?.message };
  };

  it('has three turns, each of which hears all before it, and forks where it is taken up again', async () => {
    const first = await run({ prompt: '@text one' });
    const second = await run({ prompt: '@text two', options: { continue: idOf(first) } });
    expect(lastHeard(ground.model)).toEqual(['user: @text one', 'assistant: one', 'user: @text two']);
    const third = await run({ prompt: '@text three', options: { continue: idOf(second) } });
    expect(third.result?.text).toBe('three');
    const three = ['user: @text one', 'assistant: one', 'user: @text two', 'assistant: two'];
    expect(lastHeard(ground.model)).toEqual([...three, 'user: @text three']);

    const fork = await run({ prompt: '@text other', options: { continue: idOf(first) } });
    expect(lastHeard(ground.model)).toEqual(['user: @text one', 'assistant: one', 'user: @text other']);
    // Neither branch knows of the other.
    await run({ prompt: '@text on', options: { continue: idOf(fork) } });
    expect(lastHeard(ground.model).slice(2)).toEqual([
      'user: @text other',
      'assistant: other',
      'user: @text on',
    ]);
    await run({ prompt: '@text four', options: { continue: idOf(third) } });
    expect(lastHeard(ground.model).slice(4)).toEqual([
      'user: @text three',
      'assistant: three',
      'user: @text four',
    ]);

    expect((await admin.execution(idOf(third))).continues).toBe(idOf(second));
    expect((await admin.execution(idOf(first))).continues).toBeUndefined();
    const { items } = (await admin.get<AuditPage>('/api/audit?limit=100')).body;
    expect(items.find(({ executionId }) => executionId === idOf(fork))).toBeDefined();
    expect(
      items.filter(({ type, continues }) => type === 'execution.accepted' && continues === idOf(first)),
    ).toHaveLength(2);
  });

  it('goes on with another command, model and working directory: their instructions, the same memory', async () => {
    const first = await run({
      prompt: '@tool Write {"file_path":"/workspace/src/a.txt","content":"x"}\n@text written',
    });
    await run({
      action: 'analyze',
      prompt: '@text looked',
      context: { workingDirectory: 'src' },
      options: { continue: idOf(first), model: 'claude-haiku-4-5' },
    });
    const { model, system } = lastBody(ground.model);
    expect(model).toBe('claude-haiku-4-5');
    const instructions = system.map(({ text }) => text).join('\n');
    expect(instructions).toContain('Caisson command: analyze');
    expect(instructions).toContain('Working directory: /workspace/src');
    expect(instructions).not.toContain('Caisson command: generate');
    expect(lastHeard(ground.model).slice(1, 4)).toEqual([
      'assistant: <tool_use>',
      expect.stringContaining('user: <tool_result>'),
      'assistant: written',
    ]);
  });

  it('goes on in a process of its own, and says so where warm places are counted', async () => {
    const warm = watchWarmPlaces(ground.caisson);
    const first = await run({ prompt: '@text one' }, 'warm');
    await warm.ready(1);
    await run({ prompt: '@text two', options: { continue: idOf(first) } }, 'warm');
    expect(warm.outcomes.at(-1)).toBe('continue');
  });

  it('goes on from a dry run and in one; the workspace is touched by neither', async () => {
    const write = (name: string) => `@tool Write {"file_path":"/workspace/${name}","content":"x"}`;
    const first = await run({ prompt: write('one'), options: { dryRun: true } }, 'dry');
    const second = await run(
      { prompt: write('two'), options: { dryRun: true, continue: idOf(first) } },
      'dry',
    );
    expect(second.result?.files).toMatchObject([{ path: 'two' }]);
    expect(lastHeard(ground.model)[0]).toContain('/workspace/one');
    expect((await admin.get<{ items: [] }>('/api/projects/dry/files')).body.items).toEqual([]);
    // What it changed is put in place and taken back as ever.
    expect((await admin.call('POST', `/api/executions/${idOf(second)}/apply`)).status).toBe(200);
    const third = await run({ prompt: '@text seen', options: { continue: idOf(second) } }, 'dry');
    expect(lastHeard(ground.model)).toHaveLength(9);
    expect(third.success).toBe(true);
  });

  it('cannot go on from what is not there, not over, did not succeed, or lives elsewhere', async () => {
    const first = await run({ prompt: '@text mine' });
    const on = (id: string): Asked => ({ prompt: '@text on', options: { continue: id } });
    expect(await refusal(on(UNKNOWN))).toMatchObject({ status: 404, code: 'E009' });
    expect(await refusal(on('no-id'))).toMatchObject({ status: 400, code: 'E003' });
    expect(await refusal(on(idOf(first)), 'elsewhere')).toMatchObject({ status: 400, code: 'E003' });
    // Whoever may act for both users still cannot carry what one said into the other's workspace.
    expect(
      await refusal({ ...on(idOf(first)), metadata: { projectId: 'talk', userId: 'eve' } }),
    ).toMatchObject({ status: 400, code: 'E003' });

    const running = await admin.submit({ action: 'generate', prompt: '@wait 60000ms' });
    expect(await refusal(on(running.id), 'default')).toMatchObject({ status: 409, code: 'E010' });
    await admin.call('POST', `/api/executions/${running.id}/cancel`);
    expect(await refusal(on(running.id), 'default')).toEqual({
      status: 409,
      code: 'E010',
      message: 'The execution cannot be continued: it did not succeed.',
    });

    const large = await run({
      prompt: '@deltas 4000 of "fifty characters of text, more or less, and a bit"',
    });
    expect(await refusal(on(idOf(large)))).toMatchObject({
      status: 409,
      code: 'E010',
      message: expect.stringContaining('CONVERSATION_MAX_BYTES') as string,
    });
  });

  it('is checked for each request of a batch', async () => {
    const first = await run({ prompt: '@text one' });
    const item = (id: string): ClaudeCodeRequest => ({
      action: 'generate',
      prompt: '@text on',
      metadata: { projectId: 'talk' },
      options: { continue: id },
    });
    const refused = await admin.call('POST', '/api/batches', {
      requests: [item(idOf(first)), item(UNKNOWN)],
    });
    expect(refused.body.error?.details).toMatchObject([
      { index: 1, code: 'E009', field: 'options.continue' },
    ]);
    const { id } = await admin.submitBatch([item(idOf(first)), item(idOf(first))]);
    const results = await admin.results(id);
    expect(results.map(({ response }) => response?.result?.text)).toEqual(['on', 'on']);
  });

  it('is kept as long as its execution, and every later turn has all of it', async () => {
    const database = ground.caisson.app.get(Database);
    const first = await run({ prompt: '@text old' }, 'kept');
    const second = await run({ prompt: '@text new', options: { continue: idOf(first) } }, 'kept');
    await database.updateTable('executions').set({ endedAt: 1 }).where('id', '=', idOf(first)).execute();
    await ground.caisson.app.get(Retention).sweep();
    expect(await refusal({ prompt: '@text x', options: { continue: idOf(first) } }, 'kept')).toMatchObject({
      code: 'E009',
    });
    const left = database.selectFrom('conversations').select('executionId');
    expect(await left.where('executionId', '=', idOf(first)).execute()).toEqual([]);
    await run({ prompt: '@text newest', options: { continue: idOf(second) } }, 'kept');
    expect(lastHeard(ground.model)[0]).toBe('user: @text old');
  });
});
