import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
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
