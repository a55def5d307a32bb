/** Kept answers over HTTP with the real CLI: when they are given again, what they cost, and when they are not kept. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditPage } from '../../src/audit/audit.dto.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { UsageSum } from '../../src/metrics/usage-log.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import type { Client } from '../support/client.js';

/** The cache as it is when nothing is set. */
const CACHE = { CACHE_MAX_BYTES: undefined };

/** The sum of a metric's series, whose labels hold this text. */
async function metric({ admin }: Caisson, name: string, label = ''): Promise<number> {
  const { body } = await admin.get<string>('/metrics');
  return body
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

const look = (line: string, options?: ClaudeCodeRequest['options']): ClaudeCodeRequest => ({
  action: 'analyze',
  prompt: `@tool Bash ${JSON.stringify({ command: line })}\n@text Looked.`,
  options,
});
const work = (line: string, options?: ClaudeCodeRequest['options']): ClaudeCodeRequest => ({
  ...look(line, options),
  action: 'generate',
});

describe('a kept answer', () => {
  let caisson: Caisson;
  let alice: Client;
  let project = 0;
  beforeAll(async () => {
    caisson = await startCaisson({ ...CACHE, CLAUDE_CODE_MAX_CONCURRENT: '1' });
    alice = await caisson.clientOf('alice');
  });
  beforeEach(async () => {
    project += 1;
    await put('a.txt', 'one\n');
  });
  afterAll(() => caisson.clear());

  const path = (name: string) => `/api/projects/p${project}/files/${name}`;
  const put = (name: string, content: string) =>
    alice.call('PUT', path(name), content, { 'content-type': 'application/octet-stream' });
  const read = async (name: string) => {
    const { status, body } = await alice.get<string>(path(name));
    return status === 200 ? body : status;
  };
  async function ask(request: ClaudeCodeRequest, client = alice) {
    const { body } = await client.run({ ...request, metadata: { projectId: `p${project}` } });
    expect(body.error).toBeUndefined();
    return body;
  }
  /** Whether the second of two times was answered from what was kept of the first. */
  async function isKept(request: ClaudeCodeRequest): Promise<boolean> {
    await alice.run({ ...request, metadata: { projectId: `p${project}` } });
    const { body } = await alice.run({ ...request, metadata: { projectId: `p${project}` } });
    return body.metadata.cached === true;
  }

  it('is given as an execution of its own, for nothing', async () => {
    const request = look('cat a.txt');
    const first = await ask(request);
    await ask(request); // what is in the workspace is known now
    const sandboxes = await metric(caisson, 'caisson_sandbox_start_seconds_count');
    const before = Date.now();
    const second = await ask(request);
    expect(await metric(caisson, 'caisson_sandbox_start_seconds_count')).toBe(sandboxes);

    const { executionId } = second.metadata;
    expect(second).toEqual({
      ...first,
      metadata: {
        executionId,
        duration: expect.any(Number),
        tokensUsed: 0,
        costUsd: 0,
        model: 'rehearsal',
        cached: true,
      },
    });
    expect(executionId).not.toBe(first.metadata.executionId);
    expect(await alice.execution(executionId)).toMatchObject({
      status: 'succeeded',
      attempt: 1,
      response: second,
    });

    const [ofFirst, ofSecond] = await Promise.all(
      [first, second].map(({ metadata }) => alice.history(metadata.executionId)),
    );
    const told = (events = ofFirst) =>
      events!.filter(({ type }) => type.startsWith('agent.')).map(({ type, data }) => ({ type, data }));
    expect(told(ofSecond)).toEqual(told(ofFirst));
    expect(ofSecond!.map(({ seq }) => seq)).toEqual(ofSecond!.map((_, index) => index + 1));
    expect(ofSecond!.every((event) => event.executionId === executionId && event.at >= before)).toBe(true);
    expect(ofSecond!.map(({ type }) => type).filter((type) => !type.startsWith('agent.'))).toEqual([
      'execution.queued',
      'execution.started',
      'execution.finished',
    ]);

    const { items } = (await alice.get<AuditPage>('/api/audit?limit=50')).body;
    expect(items.filter((entry) => entry.executionId === executionId)).toMatchObject([
      { type: 'execution.ended', success: true, tokensUsed: 0 },
      { type: 'execution.accepted', promptLength: request.prompt.length },
    ]);
    const usage = (await alice.get<{ items: UsageSum[] }>('/api/usage?groupBy=project')).body.items;
    expect(usage.find(({ projectId }) => projectId === `p${project}`)).toMatchObject({
      requests: 3,
      tokens: first.metadata.tokensUsed,
    });
  });

  it('can be continued, as the one can that ran', async () => {
    const request = look('cat a.txt');
    await ask(request);
    const { metadata } = await ask(request);
    expect(metadata.cached).toBe(true);
    const options = { continue: metadata.executionId };
    const next = await ask({ action: 'generate', prompt: '@echo-request', options });
    expect(next.metadata.cached).not.toBe(true);
    // Prompt, tool call, its result and the last words came before it.
    const heard = JSON.parse(next.result?.text ?? '') as { messages: number };
    expect(heard.messages).toBeGreaterThan(4);
  });

  it('needs no place, and is streamed from its first event', async () => {
    const request = look('cat a.txt', { streaming: true });
    await isKept(look('cat a.txt'));
    const { id } = await caisson.admin.submit({ action: 'analyze', prompt: '@text Working.\n@hang' });
    await caisson.admin.firstEvent(id, 'agent.text'); // the only place is taken
    const { body } = await alice.call<string>('POST', '/api/claude-code', {
      ...request,
      metadata: { projectId: `p${project}` },
    });
    expect(body).toMatch(/^id: 1\nevent: execution\.queued\n/);
    expect(body).toContain('"cached":true');
    await caisson.admin.call('POST', `/api/executions/${id}/cancel`);
  });

  it('is not given when a file has changed, and is again when it is as it was', async () => {
    const request = look('cat a.txt');
    expect(await isKept(request)).toBe(true);
    await put('a.txt', 'two\n');
    expect((await ask(request)).metadata.cached).toBeUndefined();
    await put('a.txt', 'one\n');
    expect((await ask(request)).metadata.cached).toBe(true);
  });

  it('is given only until the next write where the workspace holds what nobody looks into', async () => {
    await put('node_modules/lib/index.js', 'one');
    const request = look('cat node_modules/lib/index.js');
    expect(await isKept(request)).toBe(true);
    await put('node_modules/lib/index.js', 'two');
    expect((await ask(request)).metadata.cached).toBeUndefined();
    expect((await ask(request)).metadata.cached).toBe(true);
  });

  it('is left aside by `off` and replaced by `refresh`', async () => {
    const line = 'date +%s%N';
    const said = async (cache?: 'off' | 'refresh') => {
      const { metadata } = await ask(look(line, cache && { cache }));
      const events = await alice.history(metadata.executionId);
      return [metadata.cached, events.find(({ type }) => type === 'agent.tool_result')?.data] as const;
    };
    const [, first] = await said();
    expect(await said()).toEqual([true, first]);
    const [cachedOff, off] = await said('off');
    expect(cachedOff).toBeUndefined();
    expect(off).not.toEqual(first);
    expect(await said()).toEqual([true, first]);
    const [cachedRefresh, second] = await said('refresh');
    expect(cachedRefresh).toBeUndefined();
    expect(second).not.toEqual(first);
    expect(await said()).toEqual([true, second]);
  });

  it.each<[string, ClaudeCodeRequest]>([
    ['that failed', { action: 'analyze', prompt: '@status 400' }],
    [
      'whose tokens were used up',
      { ...look('true', { maxTokens: 30 }), prompt: `@text ${'word '.repeat(200)}` },
    ],
    ['that ran out of time', { action: 'analyze', prompt: '@hang', options: { timeout: 1500 } }],
    ['that writes and was not asked to be', work('echo x > made.txt')],
  ])('is never one %s', async (_, request) => {
    expect(await isKept(request)).toBe(false);
  });

  it('is never one that was cut, or cancelled', async () => {
    // Without a schema, so that the cut answer is the last one and counts as a success.
    const cut = { ...work('true', { maxTokens: 30, dryRun: true }), prompt: `@text ${'word '.repeat(200)}` };
    expect(await isKept(cut)).toBe(false);
    const request = { action: 'analyze', prompt: '@text Working.\n@wait 1500ms' } as const;
    const { id } = await alice.submit(request);
    await alice.firstEvent(id, 'agent.text');
    await alice.call('POST', `/api/executions/${id}/cancel`);
    expect((await alice.run(request)).body.metadata.cached).toBeUndefined();
  });

  it('is never one of a workspace that somebody wrote to meanwhile', async () => {
    const request = look('sleep 1; cat a.txt');
    const running = ask(request);
    await new Promise((resolve) => setTimeout(resolve, 700));
    await put('b.txt', 'beside');
    await running;
    expect((await ask(request)).metadata.cached).toBeUndefined();
  });

  it('of a dry run can be put in place, and taken back', async () => {
    const request = work('echo two > a.txt; echo new > b.txt', { dryRun: true });
    const first = await ask(request);
    const second = await ask(request);
    expect(second.metadata.cached).toBe(true);
    expect(second.result).toEqual(first.result);
    const { executionId } = second.metadata;
    const diff = { accept: 'text/x-diff' };
    expect((await alice.get<string>(`/api/executions/${executionId}/changes`, diff)).body).toContain('+two');
    expect(await read('b.txt')).toBe(404);
    expect((await alice.call('POST', `/api/executions/${executionId}/apply`)).status).toBe(200);
    expect([await read('a.txt'), await read('b.txt')]).toEqual(['two\n', 'new\n']);
    expect((await alice.call('POST', `/api/executions/${executionId}/revert`)).status).toBe(200);
    expect([await read('a.txt'), await read('b.txt')]).toEqual(['one\n', 404]);
  });

  describe('of what writes, when asked for', () => {
    const request = work('cat a.txt; echo two > a.txt; mkdir -p d; echo new > d/b.txt', { cache: 'auto' });
    const files = async () => [await read('a.txt'), await read('d/b.txt')];

    it('is really put in place, told as a change, and can be taken back', async () => {
      const first = await ask(request);
      expect(await files()).toEqual(['two\n', 'new\n']);
      await alice.call('POST', `/api/executions/${first.metadata.executionId}/revert`);
      expect(await files()).toEqual(['one\n', 404]);

      const second = await ask(request);
      expect(second.metadata).toMatchObject({ cached: true, tokensUsed: 0 });
      expect(second.result).toEqual(first.result);
      expect(await files()).toEqual(['two\n', 'new\n']);
      const { executionId } = second.metadata;
      const types = (await alice.history(executionId)).map(({ type }) => type);
      expect(types.slice(-2)).toEqual(['workspace.changed', 'execution.finished']);
      expect((await alice.call('POST', `/api/executions/${executionId}/revert`)).status).toBe(200);
      expect(await files()).toEqual(['one\n', 404]);
    });

    it('runs again where its changes cannot be had any more', async () => {
      const first = await ask(request);
      await alice.call('POST', `/api/executions/${first.metadata.executionId}/revert`);
      await rm(join(caisson.directory, 'data', 'snapshots'), { recursive: true });
      const conflicts = await metric(caisson, 'caisson_cache_misses_total', 'conflict');
      const second = await ask(request);
      expect(second.metadata.cached).toBeUndefined();
      expect(await files()).toEqual(['two\n', 'new\n']);
      expect(await metric(caisson, 'caisson_cache_misses_total', 'conflict')).toBe(conflicts + 1);
    });

    it('is not one that left what cannot be put in place with it', async () => {
      const install = work('mkdir -p node_modules/x; echo x > node_modules/x/x.js', { cache: 'auto' });
      await ask(install);
      await alice.call('DELETE', path('node_modules/x/x.js'));
      expect((await ask(install)).metadata.cached).toBeUndefined();
      expect(await read('node_modules/x/x.js')).toBe('x\n');
    });
  });

  it('is not given while one that writes waits for the workspace', async () => {
    const request = look('cat a.txt');
    expect(await isKept(request)).toBe(true);
    const { id } = await caisson.admin.submit({ action: 'analyze', prompt: '@text Working.\n@hang' });
    await caisson.admin.firstEvent(id, 'agent.text');
    const metadata = { projectId: `p${project}` };
    await alice.submit({ ...work('echo three > a.txt'), metadata });
    const { id: asked, status } = await alice.submit({ ...request, metadata });
    expect(status).toBe('queued');
    await caisson.admin.call('POST', `/api/executions/${id}/cancel`);
    await alice.ended(asked);
    const events = await alice.history(asked);
    expect(JSON.stringify(events.find(({ type }) => type === 'agent.tool_result'))).toContain('three');
  });

  it('is not one of a project that may reach hosts outside', async () => {
    const hosts = { hosts: ['example.com'] };
    await caisson.admin.call('PUT', `/api/projects/p${project}/egress`, hosts);
    const metadata = { projectId: `p${project}` };
    await caisson.admin.run({ ...look('true'), metadata });
    expect((await caisson.admin.run({ ...look('true'), metadata })).body.metadata.cached).toBeUndefined();
  });
});

describe('kept answers of a server that is started again', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await temporaryDirectory();
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function once(settings: NodeJS.ProcessEnv, user: string, request: ClaudeCodeRequest) {
    const caisson = await startCaisson({ ...CACHE, ...settings }, directory);
    try {
      const { body } = await (await caisson.clientOf(user)).run(request);
      return body;
    } finally {
      await caisson.stop();
    }
  }

  it('are there still, without what has become a secret, and until they are too old', async () => {
    const request = look('echo a-word-to-hide');
    expect((await once({}, 'alice', request)).metadata.cached).toBeUndefined();
    const caisson = await startCaisson({ ...CACHE, REDACT_VALUES: 'a-word-to-hide' }, directory);
    const alice = await caisson.clientOf('alice');
    const { metadata } = (await alice.run(request)).body;
    expect(metadata.cached).toBe(true);
    const events = JSON.stringify(await alice.history(metadata.executionId));
    expect(events).toContain('[redacted]');
    expect(events).not.toContain('a-word-to-hide');
    await caisson.stop();
    expect((await once({ CACHE_MAX_AGE: '1' }, 'alice', request)).metadata.cached).toBeUndefined();
  });

  it('are other users’ too with CACHE_SCOPE=project, when their files are the same', async () => {
    const settings = { CACHE_SCOPE: 'project' };
    const request = { ...look('ls'), metadata: { projectId: 'shared' } };
    expect((await once(settings, 'alice', request)).metadata.cached).toBeUndefined();
    const caisson = await startCaisson({ ...CACHE, ...settings }, directory);
    const bob = await caisson.clientOf('bob');
    expect((await bob.run(request)).body.metadata.cached).toBe(true);
    await bob.call('PUT', '/api/projects/shared/files/mine.txt', 'mine', {
      'content-type': 'application/octet-stream',
    });
    expect((await bob.run(request)).body.metadata.cached).toBeUndefined();
    await caisson.stop();
  });
});
