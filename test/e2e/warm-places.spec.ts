import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { WarmPlaces } from '../../src/agents/warm-places.js';
import { Config } from '../../src/config/config.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { fakeCli } from '../support/fake-cli.js';
import { until } from '../support/processes.js';
import { asRoot } from '../support/sandbox-ground.js';
import { watchWarmPlaces, type WarmWatch } from '../support/warm.js';

describe('warm places', () => {
  let caisson: Caisson;
  let warm: WarmWatch;
  beforeAll(async () => {
    caisson = await startCaisson({ POOL_SIZE: '4', POOL_SPARES: '1' });
    warm = watchWarmPlaces(caisson);
  });
  afterAll(() => caisson.clear());

  const run = async (request: Partial<ClaudeCodeRequest>, projectId: string) => {
    const { body } = await caisson.admin.run({
      action: 'generate',
      prompt: '@text ok',
      ...request,
      metadata: { projectId },
    });
    return body;
  };

  it('give a new project the place that waits for one, and keep one for its next request', async () => {
    await warm.ready(1);
    expect(await run({ prompt: '@text first' }, 'new')).toMatchObject({
      success: true,
      result: { text: 'first' },
      metadata: { tokensUsed: expect.any(Number) as number },
    });
    await warm.ready(2);
    expect((await run({ prompt: '@text second' }, 'new')).result?.text).toBe('second');
    expect(warm.outcomes).toEqual(['hit', 'hit']);
  });

  it('fit every command: instructions, schema, model and access come with the task', async () => {
    const echo = async (request: Partial<ClaudeCodeRequest>) => {
      await warm.ready(2);
      const body = await run({ prompt: '@echo-request', ...request }, 'new');
      return JSON.parse(body.result?.text ?? '') as {
        model: string;
        system: string;
        outputSchema?: { properties: object };
      };
    };
    warm.outcomes.length = 0;
    const refactor = await echo({ action: 'refactor', options: { model: 'claude-haiku-4-5' } });
    expect(refactor.model).toBe('claude-haiku-4-5');
    expect(JSON.stringify(refactor.system)).toContain('Caisson command: refactor');
    await warm.ready(2);
    const analysis = await run({ action: 'analyze', prompt: 'Explain it' }, 'new');
    expect(analysis.result?.analysis).toMatchObject({ summary: expect.any(String) as string });
    await warm.ready(2);
    const review = await run({ action: 'review', prompt: 'Review it' }, 'new');
    expect(review.result?.suggestions).toEqual(expect.any(Array));
    expect(warm.outcomes[0]).toBe('hit');
    if (asRoot) expect(warm.outcomes).toEqual(['hit', 'hit', 'hit']);
  });

  it('tell the changes of a task as any other place does', async () => {
    await warm.ready(2);
    warm.outcomes.length = 0;
    const { id } = await caisson.admin.submit({
      action: 'generate',
      prompt: '@tool Bash {"command":"echo a > made.txt"}\n@text ok',
      metadata: { projectId: 'new' },
    });
    await caisson.admin.ended(id);
    const { body } = await caisson.admin.get<{ files: object[] }>(`/api/executions/${id}/changes`);
    expect(body.files).toMatchObject([{ path: 'made.txt', action: 'created' }]);
    expect(warm.outcomes).toEqual(['hit']);
  });

  it('are not used for a working directory of its own', async () => {
    await caisson.admin.call('PUT', '/api/projects/new/files/sub/a.txt', 'x');
    await warm.ready(2);
    warm.outcomes.length = 0;
    const body = await run({ context: { workingDirectory: 'sub' } }, 'new');
    expect(body.success).toBe(true);
    expect(warm.outcomes).toEqual(['working-directory']);
  });
});

describe('a server whose places are counted', () => {
  let caisson: Caisson;
  let warm: WarmWatch;
  beforeAll(async () => {
    caisson = await startCaisson({ POOL_SIZE: '3', POOL_SPARES: '1' });
    warm = watchWarmPlaces(caisson);
  });
  afterAll(() => caisson.clear());

  const metric = async (series: string): Promise<number> => {
    const { body } = await caisson.admin.get<string>('/metrics');
    const line = body.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1));
  };

  it('tells hits, misses by reason, times, age, memory and how many are ready', async () => {
    const begun = performance.now();
    await warm.ready(1);
    const run = (projectId: string, context = {}) =>
      caisson.admin.run({ action: 'generate', prompt: '@text ok', context, metadata: { projectId } });
    await run('counted');
    await warm.ready(2);
    await caisson.admin.call('PUT', '/api/projects/counted/files/sub/a.txt', 'x');
    await run('counted', { workingDirectory: 'sub' });
    await warm.ready(2);
    await run('counted');
    await warm.ready(2);
    expect(warm.outcomes).toEqual(['hit', 'working-directory', 'hit']);
    expect(await metric('caisson_pool_hits_total')).toBe(2);
    expect(await metric('caisson_pool_misses_total{reason="working-directory"}')).toBe(1);
    expect(await metric('caisson_pool_misses_total{reason="starting"}')).toBeNaN();
    expect(await metric('caisson_pool_claim_seconds_count')).toBe(2);
    expect(await metric('caisson_pool_claim_seconds_sum')).toBeGreaterThan(0);
    expect(await metric('caisson_pool_claim_seconds_bucket{le="1"}')).toBe(2);
    // The first spare, the next one, and one for the project after each of its hits.
    expect(await metric('caisson_pool_start_seconds_count')).toBe(4);
    expect(await metric('caisson_pool_start_seconds_sum')).toBeGreaterThan(0.2);
    expect(await metric('caisson_pool_ready')).toBe(2);
    const oldest = await metric('caisson_pool_oldest_seconds');
    expect(oldest).toBeGreaterThan(0);
    expect(oldest).toBeLessThan((performance.now() - begun) / 1000);
    // Each holds some ten megabytes of its own, whatever it shares.
    expect(await metric('caisson_pool_memory_bytes')).toBeGreaterThan(20_000_000);
  });

  it('give their memory back before a task starts that finds little of it', async () => {
    const { values } = caisson.app.get(Config);
    const usual = values.POOL_MEMORY_FREE;
    await warm.ready(2);
    let ready = -1;
    const stop = warm.places.events.on('claimed', () => void (ready = warm.places.ready));
    Object.assign(values, { POOL_MEMORY_FREE: Number.MAX_SAFE_INTEGER });
    try {
      const context = { workingDirectory: 'sub' };
      const metadata = { projectId: 'counted' };
      const { body } = await caisson.admin.run({
        action: 'generate',
        prompt: '@text ok',
        context,
        metadata,
      });
      expect(body.success).toBe(true);
      expect(ready).toBe(0);
    } finally {
      Object.assign(values, { POOL_MEMORY_FREE: usual });
      stop();
    }
  });

  it('says of a project with granted hosts that it cannot be warm, and keeps nothing for it', async () => {
    const ask = async () =>
      (await caisson.admin.call<{ status: string }>('POST', '/api/projects/granted/warm')).body;
    await until(async () => (await ask()).status === 'ready');
    const before = warm.places.ready;
    await caisson.admin.call('PUT', '/api/projects/granted/egress', { hosts: ['example.com'] });
    expect(await ask()).toEqual({ status: 'off', reason: 'egress' });
    expect(warm.places.ready).toBe(before - 1);
    await caisson.admin.call('PUT', '/api/projects/granted-too/egress', { hosts: ['example.com'] });
    warm.outcomes.length = 0;
    const metadata = { projectId: 'granted-too' };
    const { body } = await caisson.admin.run({ action: 'generate', prompt: '@text ok', metadata });
    expect(body.success).toBe(true);
    expect(warm.outcomes).toEqual(['egress']);
    expect(await metric('caisson_pool_misses_total{reason="egress"}')).toBe(1);
    await caisson.admin.call('DELETE', '/api/projects/granted/egress');
    expect(await ask()).toEqual({ status: 'starting' });
  });
});

describe('without any place', () => {
  it('answers that nothing is kept warm', async () => {
    const caisson = await startCaisson({ POOL_SIZE: '0' });
    try {
      const { body } = await caisson.admin.call('POST', '/api/projects/any/warm');
      expect(body).toEqual({ status: 'off', reason: 'off' });
    } finally {
      await caisson.clear();
    }
  });

  it('is ready for work while the first place has not come up', async () => {
    const directory = await temporaryDirectory();
    // Says nothing at all to the handshake of one that waits.
    const CLAUDE_CODE_BINARY = await fakeCli(directory, 'sleep 3600');
    const caisson = await startCaisson({ POOL_SIZE: '2', POOL_SPARES: '1', CLAUDE_CODE_BINARY }, directory);
    try {
      expect((await fetch(`${caisson.url}/health/ready`)).status).toBe(200);
      expect(caisson.app.get(WarmPlaces).ready).toBe(0);
    } finally {
      await caisson.clear();
    }
  });
});
