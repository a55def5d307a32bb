/** `kill -9` while batches are accepted and while they run: all or nothing is kept, and what waited goes on. */
import type { BatchList } from '../../src/batches/batch.dto.js';
import type { BatchItem } from '../../src/batches/batch-stream.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { startServer } from '../support/server-process.js';
import { kill, serverGround } from '../support/server-ground.js';

const hang = (action: 'analyze' | 'generate', projectId: string): ClaudeCodeRequest => ({
  action,
  prompt: '@text Working.\n@hang',
  metadata: { projectId },
});
const say = (text: string): ClaudeCodeRequest => ({ action: 'generate', prompt: `@text ${text}` });

describe('a server that is killed', () => {
  const ground = serverGround();

  it('[K20] while it accepts batches has each of them whole or not at all, and every one that it answered', async () => {
    const SIZE = 150;
    const settings = { CLAUDE_CODE_MAX_CONCURRENT: '1', QUEUE_MAX: '100000' };
    const server = await startServer(ground.directory, settings);
    await server.admin.submit(hang('generate', 'in-the-way'));
    const answered: string[] = [];
    const enough = Promise.withResolvers<void>();
    const flood = Array.from({ length: 3 }, async () => {
      for (;;) {
        const { id } = await server.admin.submitBatch(Array.from({ length: SIZE }, () => say('Accepted.')));
        if (answered.push(id) === 5) enough.resolve();
      }
    });
    const cutOff = Promise.allSettled(flood);
    await enough.promise;
    await kill(server);
    await cutOff;

    const { admin } = await startServer(ground.directory, settings);
    const { items } = (await admin.get<BatchList>('/api/batches?limit=50')).body;
    expect(items.map(({ id }) => id)).toEqual(expect.arrayContaining(answered));
    for (const { id, total, counts } of items) {
      expect(total).toBe(SIZE);
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(SIZE);
      await admin.call('POST', `/api/batches/${id}/cancel`);
      const positions = (await admin.results(id)).map(({ position }) => position);
      expect(positions).toEqual(Array.from({ length: SIZE }, (_, index) => index));
    }
    expect((await admin.get('/api/audit?verify=true')).body).toMatchObject({ valid: true });
  });

  it('[K21] while a batch runs goes on with what waited, and has no hole in its stream', async () => {
    const settings = { CLAUDE_CODE_MAX_CONCURRENT: '2' };
    const server = await startServer(ground.directory, settings);
    const { id } = await server.admin.submitBatch([
      hang('generate', 'edit'),
      hang('analyze', 'read'),
      say('one'),
      say('two'),
    ]);
    const seen: BatchItem[] = [];
    const working = new Set<number>();
    for await (const item of server.admin.batchItems(id)) {
      if (item.type !== 'batch.updated') seen.push(item);
      if (item.type === 'agent.text') working.add(item.position);
      if (working.size === 2) break;
    }
    await kill(server);

    const { admin } = await startServer(ground.directory, settings);
    let last = 0;
    const whole: BatchItem[] = [];
    for await (const item of admin.batchItems(id)) {
      if (item.type === 'batch.updated' || item.type === 'stream.gap') continue;
      expect(item.batchSeq).toBe(last + 1);
      last = item.batchSeq;
      whole.push(item);
      const again = item.type === 'agent.text' && item.position === 1 && whole.length > seen.length;
      if (again) await admin.call('POST', `/api/executions/${item.executionId}/cancel`);
    }
    expect(whole.slice(0, seen.length)).toEqual(seen);
    expect(whole.filter(({ type }) => type === 'execution.finished')).toHaveLength(4);
    expect(whole.at(-1)).toMatchObject({
      type: 'batch.finished',
      data: { status: 'cancelled', counts: { failed: 1, cancelled: 1, succeeded: 2, queued: 0, running: 0 } },
    });
    const results = await admin.results(id);
    expect(results[0]?.response?.error?.code).toBe('E014');
    const rest = await Array.fromAsync(admin.batchItems(id, seen.length));
    expect(rest.slice(0, -1)).toEqual(whole.slice(seen.length, -1));
  });
});
