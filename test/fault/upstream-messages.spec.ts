/** The faults of a model service that an engine has to handle itself, as the Messages API's agent meets them. */
import { type Caisson, startCaisson } from '../support/caisson.js';
import { type FaultName, type FaultyUpstream, faultyUpstream } from '../support/faulty-upstream.js';
import { descendantsOf, gone } from '../support/processes.js';

const FAILED = { status: 502, code: 'E005' };

/** As in upstream.spec.ts, whose other cases end in the gateway whoever asks. */
const CASES: readonly (readonly [FaultName, object])[] = [
  ['hang-in-the-middle', FAILED],
  ['cut-inside-an-event', FAILED],
  ['end-without-stop', FAILED],
  ['length-too-large', { status: 200, text: 'All of it.', tokens: 18 }],
  ['rubbish-events', FAILED],
  ['invalid-utf-8', { status: 200, text: 'Whole.', tokens: 18 }],
  ['error-of-10-mib', FAILED],
  ['endless-event', FAILED],
  ['html-with-200', FAILED],
  ['reset', FAILED],
  ['tiny-chunks', { status: 200, text: 't'.repeat(4000), tokens: 18 }],
];

describe('[U60] a model service that lies or breaks off meets the engine messages', () => {
  let upstream: FaultyUpstream;
  let caisson: Caisson;
  beforeAll(async () => {
    upstream = await faultyUpstream();
    caisson = await startCaisson({
      ANTHROPIC_API_KEY: 'sk-canary-of-the-upstream-tests',
      ANTHROPIC_BASE_URL: upstream.url,
      ENGINE_DEFAULT: 'messages',
      UPSTREAM_RETRIES: '0',
      UPSTREAM_TIMEOUT_MS: '1000',
    });
  });
  afterAll(async () => {
    await caisson.clear();
    await upstream.stop();
  });

  const run = async (prompt: string, timeout = 60_000) => {
    const { status, body } = await caisson.admin.run({ action: 'generate', prompt, options: { timeout } });
    return { status, code: body.error?.code, text: body.result?.text, tokens: body.metadata.tokensUsed };
  };

  it.each(CASES)('%s', async (fault, outcome) => {
    expect(await run(`Answer with fault=${fault}.`)).toMatchObject(outcome);
    expect(upstream.asked(fault)).toBeGreaterThan(0);
  });

  it.each([
    ['is overloaded for ever', '@status 529 times 1000 retry-after 0', FAILED],
    ['refuses the request', '@status 400', FAILED],
  ])('and %s', async (_, prompt, outcome) => {
    expect(await run(prompt)).toMatchObject(outcome);
  });

  it('slow-drip, until the time is over', async () => {
    expect(await run('Answer with fault=slow-drip.', 3000)).toMatchObject({ status: 504, code: 'E001' });
  });

  it('and nothing that comes after is harmed', async () => {
    expect(await run('@text Here again.')).toMatchObject({ status: 200, text: 'Here again.' });
    await gone(() => descendantsOf(process.pid));
  });
});
