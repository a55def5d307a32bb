/** A batch as its caller sees it, with the real CLI: what writes takes turns in a workspace, what reads runs side by side. */
import type { BatchItem } from '../../src/batches/batch-stream.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { type Caisson, startCaisson } from '../support/caisson.js';

const shell = (command: string) => `@tool Bash ${JSON.stringify({ command })}`;
const writer = (command: string): ClaudeCodeRequest => ({
  action: 'generate',
  prompt: `${shell(command)}\n@text Written.`,
  metadata: { projectId: 'edited' },
});
/** Reads until it is cancelled. */
const reader: ClaudeCodeRequest = {
  action: 'analyze',
  prompt: '@text Reading.\n@hang',
  metadata: { projectId: 'read' },
};

describe('a batch of requests that write and requests that only read', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson({ CLAUDE_CODE_MAX_CONCURRENT: '4' });
  });
  afterAll(() => caisson.clear());

  it('runs the writing ones of a workspace one after another in their order, and the reading ones beside each other', async () => {
    const { admin } = caisson;
    const { id } = await admin.submitBatch([
      writer('echo one > story.txt'),
      reader,
      writer('cat story.txt > second.txt; echo two >> story.txt'),
      reader,
      writer('cat story.txt > third.txt'),
    ]);
    const items: BatchItem[] = [];
    const reading = new Set<string>();
    const written = new Set<string>();
    for await (const item of admin.batchItems(id)) {
      items.push(item);
      if (item.type === 'agent.text' && [1, 3].includes(item.position)) reading.add(item.executionId);
      if (item.type === 'execution.finished' && item.data.status === 'succeeded')
        written.add(item.executionId);
      // Both readers are in the middle of their work now, and stay there until they are told to stop.
      if (reading.size === 2 && written.size === 3 && item.type === 'batch.updated')
        for (const executionId of reading) await admin.call('POST', `/api/executions/${executionId}/cancel`);
    }

    const moves = items.flatMap((item) =>
      (item.type === 'execution.started' || item.type === 'execution.finished') && item.position % 2 === 0
        ? [`${item.position} ${item.type}`]
        : [],
    );
    expect(moves).toEqual(
      [0, 2, 4].flatMap((position) => [`${position} execution.started`, `${position} execution.finished`]),
    );
    const file = async (name: string) => (await admin.get(`/api/projects/edited/files/${name}`)).body;
    expect([await file('second.txt'), await file('third.txt')].map(String)).toEqual(['one\n', 'one\ntwo\n']);

    const numbers = items.flatMap((item) =>
      'batchSeq' in item && item.type !== 'stream.gap' ? [item.batchSeq] : [],
    );
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(items.at(-1)).toMatchObject({
      type: 'batch.finished',
      data: {
        status: 'cancelled',
        progress: 1,
        counts: { queued: 0, running: 0, succeeded: 3, failed: 0, cancelled: 2 },
      },
    });
    expect(items.filter(({ type }) => type === 'batch.updated').length).toBeGreaterThanOrEqual(5);
  });

  it('answers its results in the order of the requests, whatever order they ended in, each as soon as it can', async () => {
    const { admin } = caisson;
    const requests = ['first', 'second', 'third'].map((text, index): ClaudeCodeRequest => ({
      action: 'generate',
      prompt: `${index === 0 ? '@wait 300ms\n' : ''}@text ${text}`,
      metadata: { projectId: text },
    }));
    const { id } = await admin.submitBatch(requests);
    const results = await admin.results(id);
    expect(
      results.map(({ position, status, response }) => [position, status, response?.result?.text]),
    ).toEqual([
      [0, 'succeeded', 'first'],
      [1, 'succeeded', 'second'],
      [2, 'succeeded', 'third'],
    ]);
    expect(await admin.batch(id)).toMatchObject({ status: 'succeeded', endedAt: expect.any(Number) });
  });
});
