/** A model service that lies, breaks off or never ends, as an execution with the real CLI meets it. */
import { type Caisson, startCaisson } from '../support/caisson.js';
import { type FaultName, type FaultyUpstream, faultyUpstream } from '../support/faulty-upstream.js';
import { descendantsOf, gone } from '../support/processes.js';

/** No answer, or not a whole one: the service failed. */
const FAILED = { status: 502, code: 'E005' };
const LATE = { status: 504, code: 'E001' };

interface Case {
  name: string;
  fault: FaultName;
  outcome: { status: number; code?: string; text?: string };
  /** Tokens that are metered and charged; `some`: what was seen of one answer or several. */
  tokens?: number | 'some';
  /** Milliseconds. */
  timeout?: number;
}

/** An answer that begins has 11 tokens of input; `All of it.` is reported with 7 of output. */
const CASES: Case[] = [
  { name: '[U20] hangs before its answer', fault: 'hang-before-head', outcome: FAILED, tokens: 0 },
  { name: '[U21] hangs in the middle', fault: 'hang-in-the-middle', outcome: FAILED, tokens: 'some' },
  { name: '[U22] cuts inside an event', fault: 'cut-inside-an-event', outcome: FAILED, tokens: 'some' },
  {
    name: '[U23] ends without the end of its message',
    fault: 'end-without-stop',
    outcome: FAILED,
    tokens: 'some',
  },
  {
    name: '[U24] promises more bytes than it sends, behind a whole answer,',
    fault: 'length-too-large',
    outcome: { status: 200, text: 'All of it.' },
    tokens: 18,
  },
  {
    name: '[U25] promises fewer bytes than it sends',
    fault: 'length-too-small',
    outcome: FAILED,
    tokens: 'some',
  },
  { name: '[U26] sends rubbish events', fault: 'rubbish-events', outcome: FAILED, tokens: 0 },
  {
    name: '[U27] sends bytes that are no UTF-8 between its events',
    fault: 'invalid-utf-8',
    outcome: { status: 200, text: 'Whole.' },
    tokens: 18,
  },
  { name: '[U28] sends an error of 10 MiB', fault: 'error-of-10-mib', outcome: FAILED, tokens: 0 },
  { name: '[U29] sends an endless error', fault: 'endless-error', outcome: FAILED, tokens: 0 },
  { name: '[U30] sends an endless event', fault: 'endless-event', outcome: FAILED, tokens: 0 },
  { name: '[U31] sends endless JSON', fault: 'endless-json', outcome: FAILED, tokens: 0 },
  { name: '[U32] sends HTML with 200', fault: 'html-with-200', outcome: FAILED, tokens: 0 },
  {
    name: '[U33] compresses although not asked to',
    fault: 'gzip-not-asked',
    outcome: FAILED,
    tokens: 0,
  },
  { name: '[U34] says 100 Continue for ever', fault: 'continue-for-ever', outcome: FAILED, tokens: 0 },
  { name: '[U35] answers 204', fault: 'no-content', outcome: FAILED, tokens: 0 },
  { name: '[U36] redirects elsewhere', fault: 'redirect', outcome: FAILED, tokens: 0 },
  { name: '[U37] resets the connection', fault: 'reset', outcome: FAILED, tokens: 0 },
  { name: '[U38] answers a TLS alert', fault: 'tls-alert', outcome: FAILED, tokens: 0 },
  {
    name: '[U39] sends its answer byte by byte',
    fault: 'tiny-chunks',
    outcome: { status: 200, text: 't'.repeat(4000) },
    tokens: 18,
  },
  {
    name: '[U40] drips for ever below the limit of silence',
    fault: 'slow-drip',
    outcome: LATE,
    timeout: 30_000,
  },
];

describe('a model service that', () => {
  let upstream: FaultyUpstream;
  let caisson: Caisson;
  let runs: Map<FaultName, Promise<Awaited<ReturnType<typeof run>>>>;

  beforeAll(async () => {
    upstream = await faultyUpstream();
    caisson = await startCaisson({
      ANTHROPIC_API_KEY: 'sk-canary-of-the-upstream-tests',
      ANTHROPIC_BASE_URL: upstream.url,
      CLAUDE_CODE_MAX_CONCURRENT: '6',
      UPSTREAM_RETRIES: '1',
      UPSTREAM_TIMEOUT_MS: '1500',
    });
    // Side by side, most of them wait; what one upstream does to its execution is nobody else's matter.
    runs = new Map(CASES.map(({ fault, timeout }) => [fault, run(`Answer with fault=${fault}.`, timeout)]));
  });
  afterAll(async () => {
    await caisson.clear();
    await upstream.stop();
  });

  async function run(prompt: string, timeout = 120_000) {
    const { status, body } = await caisson.admin.run({ action: 'generate', prompt, options: { timeout } });
    return { status, code: body.error?.code, text: body.result?.text, tokens: body.metadata.tokensUsed };
  }

  it.each(CASES.map((it) => [`${it.name} ${told(it)}`, it] as const))(
    '%s',
    async (_, { fault, outcome, tokens }) => {
      const seen = await runs.get(fault);
      expect(seen).toMatchObject(outcome);
      if (tokens === 'some') expect(seen?.tokens).toBeGreaterThan(11);
      else if (tokens !== undefined) expect(seen?.tokens).toBe(tokens);
      expect(upstream.asked(fault)).toBeGreaterThan(0);
    },
    180_000,
  );

  it('[U41] was all of these harms nothing that comes after', async () => {
    await Promise.all(runs.values());
    expect(await run('@text Here again.')).toMatchObject({ status: 200, text: 'Here again.' });
    await gone(() => descendantsOf(process.pid));
    expect((await caisson.admin.get('/health/ready')).status).toBe(200);
    expect((await caisson.admin.get('/api/audit?verify=true')).body).toMatchObject({ valid: true });
  });
});

function told({ outcome: { status, code } }: Case): string {
  return code === undefined ? 'is understood' : `ends the execution with ${status} ${code}`;
}
