/** What one user was answered is not shown to another, whatever the other one asks. */
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';

describe('kept answers', () => {
  let caisson: Caisson;
  let alice: Client;
  let bob: Client;
  beforeAll(async () => {
    caisson = await startCaisson({ CACHE_MAX_BYTES: undefined });
    [alice, bob] = [await caisson.clientOf('alice'), await caisson.clientOf('bob')];
  });
  afterAll(() => caisson.clear());

  /** No two runs say the same. */
  const REQUEST: ClaudeCodeRequest = {
    action: 'analyze',
    prompt: '@deltas 2 every 200ms of "{at} "',
    metadata: { projectId: 'same' },
  };
  async function answerTo(client: Client, request = REQUEST) {
    const { metadata } = (await client.run(request)).body;
    const events = await client.history(metadata.executionId);
    const text = events.map((event) => (event.type === 'agent.text' ? event.data.text : '')).join('');
    return { cached: metadata.cached, text };
  }

  it("[V01] another user's kept answer is not given to the same request about the same files in a project of the same name", async () => {
    const hers = await answerTo(alice);
    expect((await answerTo(alice)).text).toBe(hers.text); // there is one to be had
    const his = await answerTo(bob);
    expect(his.cached).toBeUndefined();
    expect(his.text).not.toBe(hers.text);
  });

  it('[V02] an identical request of another user at the same time has a run of its own', async () => {
    const request = { ...REQUEST, prompt: `Together\n${REQUEST.prompt}` };
    const [hers, his] = await Promise.all([answerTo(alice, request), answerTo(bob, request)]);
    expect([hers.cached, his.cached]).toEqual([undefined, undefined]);
    expect(his.text).not.toBe(hers.text);
  });

  it("[V03] a key that may act as others is given the answers of whom it acts as, never its own user's", async () => {
    const request = { ...REQUEST, prompt: `As another\n${REQUEST.prompt}` };
    await answerTo(caisson.admin, request);
    const metadata = { projectId: 'same', userId: 'carol' };
    expect((await caisson.admin.run({ ...request, metadata })).body.metadata.cached).toBeUndefined();
  });

  it('[V04] what came into a workspace by a write that was not asked to be kept is seen by the next request', async () => {
    const look: ClaudeCodeRequest = {
      action: 'analyze',
      prompt: '@tool Bash {"command":"ls -a; cat x"}\n@text Looked.',
    };
    await alice.run(look);
    expect((await alice.run(look)).body.metadata.cached).toBe(true);
    await alice.run({ action: 'generate', prompt: '@tool Bash {"command":"echo planted > x"}' });
    const { metadata } = (await alice.run(look)).body;
    expect(metadata.cached).toBeUndefined();
    expect(JSON.stringify(await alice.history(metadata.executionId))).toContain('planted');
  });
});
