/** Answers that are kept and given again: what they are found by, what they cost, and when they are not kept. */
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';

const CACHE = { CACHE_MAX_BYTES: '10000000' };
const ANALYZE: ClaudeCodeRequest = {
  action: 'analyze',
  prompt: '@tool Bash {"command":"cat a.txt; date +%N"}\n@text Looked.',
  metadata: { projectId: 'p' },
};

describe('an answer that is kept', () => {
  let caisson: Caisson;
  let alice: Client;
  beforeAll(async () => {
    caisson = await startCaisson(CACHE);
    alice = await caisson.clientOf('alice');
  });
  afterAll(() => caisson.clear());

  it('is given again', async () => {
    const first = await alice.run(ANALYZE);
    expect(first.body.metadata.cached).toBeUndefined();
    const second = await alice.run(ANALYZE);
    expect(second.body).toMatchObject({ success: true, metadata: { cached: true } });
    console.log(JSON.stringify([first.body, second.body], null, 1));
    console.log(JSON.stringify(await alice.history(second.body.metadata.executionId)));
    const third = await alice.run(ANALYZE);
    expect(third.body.metadata.cached).toBe(true);
    console.log(
      (await caisson.admin.get<string>('/metrics')).body
        .split('\n')
        .filter((l) => l.includes('cache'))
        .join('\n'),
    );
  });
});
