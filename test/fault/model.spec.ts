/** A model service that fails, as the real CLI meets it: what passes is repeated, what does not is an error of the catalogue. */
import { type Caisson, startCaisson } from '../support/caisson.js';
import { descendantsOf, gone } from '../support/processes.js';

describe('a model service that', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson();
  });
  afterEach(() => gone(() => descendantsOf(process.pid)));
  afterAll(() => caisson.clear());

  const run = async (prompt: string, options: { timeout?: number; maxTokens?: number } = {}) => {
    const { status, body, headers } = await caisson.admin.run({ action: 'generate', prompt, options });
    return { status, code: body.error?.code, text: body.result?.text, headers, error: body.error };
  };

  it('[U50] a model service that is overloaded twice is asked again', async () => {
    expect(await run('@status 529 times 2 retry-after 0\n@text Here again.')).toMatchObject({
      status: 200,
      text: 'Here again.',
    });
  });

  it('[U51] a model service that cuts its answer before the first byte is asked again', async () => {
    expect(await run('@cut early times 2\n@text Here again.')).toMatchObject({
      status: 200,
      text: 'Here again.',
    });
  });

  it.each([
    ['is overloaded for ever', '@status 529 times 1000 retry-after 0', 502, 'E005'],
    ['fails for ever', '@status 500 times 1000 retry-after 0', 502, 'E005'],
    ['limits the rate for ever', '@status 429 times 1000 retry-after 0', 429, 'E002'],
    ['refuses the request', '@status 400', 502, 'E005'],
    ['refuses the key', '@status 401', 502, 'E005'],
  ])('[U52] a model service that fails for ever fails the execution: %s', async (_, prompt, status, code) => {
    expect(await run(prompt)).toMatchObject({ status, code });
  });

  it('[U53] a model service that limits the rate for long is told with Retry-After', async () => {
    const { status, headers } = await run('@status 429 times 1000 retry-after 600');
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it.each([
    ['cuts every answer in its middle', '@text Half\n@cut times 1000'],
    ['answers rubbish', '@rubbish times 1000'],
  ])('[U54] a model service that speaks rubbish fails the execution with E005: %s', async (_, prompt) => {
    expect(await run(prompt)).toMatchObject({ status: 502, code: 'E005' });
  });

  it('[U55] a model service that hangs is ended by the time limit', async () => {
    expect(await run('@text Working.\n@hang', { timeout: 3000 })).toMatchObject({
      status: 504,
      code: 'E001',
    });
  });

  it('[U56] a model service that hangs for longer than UPSTREAM_TIMEOUT_MS fails the execution with E005', async () => {
    const impatient = await startCaisson({ UPSTREAM_TIMEOUT_MS: '1000' });
    try {
      const { status, body } = await impatient.admin.run({ action: 'generate', prompt: '@hang' });
      expect({ status, code: body.error?.code }).toEqual({ status: 502, code: 'E005' });
    } finally {
      await impatient.clear();
    }
  });

  it('[U57] a model service that says more than the request allows is cut off with E011', async () => {
    const { status, code } = await run('@deltas 4000 of "many words "', { maxTokens: 200 });
    expect({ status, code }).toEqual({ status: 402, code: 'E011' });
  });
});
