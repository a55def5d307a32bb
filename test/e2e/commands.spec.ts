import { type Caisson, startCaisson } from '../support/caisson.js';

describe('the four commands, with the real CLI in the real sandbox', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson();
  });
  afterAll(() => caisson.clear());

  it('generate makes a file and answers it', async () => {
    const { status, body } = await caisson.admin.run({
      action: 'generate',
      prompt: 'Create hello.txt with a friendly greeting',
    });
    expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
    expect(body.result?.files).toEqual([
      { path: 'hello.txt', action: 'created', content: expect.stringMatching(/\w/) },
    ]);
    expect(body.result?.code).toBe(body.result?.files?.[0]?.content);
    expect(body.metadata.model).toBe('rehearsal');
    expect(body.metadata.tokensUsed).toBeGreaterThan(0);
  });
});
