/** What becomes of a batch of mode economy when the server dies, or the service's batch endpoint does wrong. */
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { RehearsalModel } from '../../src/model-gateway/rehearsal/rehearsal-model.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';
import { type FaultName, type FaultyUpstream, faultyUpstream } from '../support/faulty-upstream.js';
import { descendantsOf, gone, until } from '../support/processes.js';
import { kill, serverGround } from '../support/server-ground.js';
import { startServer } from '../support/server-process.js';

const KEY = 'sk-canary-of-the-economy-tests';
const SOON = { ANTHROPIC_API_KEY: KEY, ECONOMY_POLL_MS: '30' };
const REPORT = '@structured {"summary":"Fine.","structure":[],"findings":[]}';
const say = (text: string): ClaudeCodeRequest => ({ action: 'generate', prompt: `@text ${text}` });
const submit = (client: Client, ...requests: ClaudeCodeRequest[]) =>
  client.submitBatch(requests, undefined, 'economy');
const endsOf = async (client: Client, id: string) =>
  (await client.results(id)).map(({ status, response }) => response?.error?.code ?? status);

describe('a server that is killed', () => {
  const ground = serverGround();
  let model: RehearsalModel;
  let settings: NodeJS.ProcessEnv;
  beforeEach(async () => {
    model = new RehearsalModel();
    const { url } = await model.start();
    // Not so often that the stand-in forgets the first of its last hundred requests.
    settings = { ...SOON, ECONOMY_POLL_MS: '200', ANTHROPIC_BASE_URL: url };
  });
  afterEach(() => model.stop());
  const posts = () =>
    model.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/batches'));

  it('[K24] while the model service has its batch takes the answers after its next start, and asks for nothing twice', async () => {
    const server = await startServer(ground.directory, settings);
    const { id } = await submit(
      server.admin,
      { action: 'analyze', prompt: `@wait 3000ms\n${REPORT}` },
      { action: 'generate', prompt: '@tool Write {"file_path":"late.txt","content":"late"}' },
    );
    await until(() => model.requests.some(({ path }) => /msgbatch_\w+$/.test(path)));
    await kill(server);
    const { admin } = await startServer(ground.directory, settings);
    const results = await admin.results(id);
    expect(results.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    expect(results[1]?.response?.result?.files).toMatchObject([{ path: 'late.txt', content: 'late' }]);
    expect(posts()).toHaveLength(1);
    const numbers: number[] = [];
    for await (const item of admin.batchItems(id)) if ('batchSeq' in item) numbers.push(item.batchSeq);
    expect(numbers).toEqual(Array.from(numbers, (_, index) => index + 1));
    expect((await admin.get('/api/audit?verify=true')).body).toMatchObject({ valid: true });
  });

  it('[K25] before the model service has taken its batch sends it after its next start', async () => {
    await model.stop();
    const server = await startServer(ground.directory, {
      ...settings,
      UPSTREAM_RETRIES: '0',
      ECONOMY_TRIES: '1000',
    });
    const { id } = await submit(server.admin, say('Late.'));
    await until(() => server.output().includes('a batch cannot be carried on'));
    await kill(server);
    model = new RehearsalModel();
    const { url } = await model.start();
    const { admin } = await startServer(ground.directory, { ...settings, ANTHROPIC_BASE_URL: url });
    expect(await endsOf(admin, id)).toEqual(['succeeded']);
    expect(posts()).toHaveLength(1);
  });
});

describe('[U61] a batch endpoint that fails', () => {
  let upstream: FaultyUpstream;
  let caisson: Caisson;
  beforeAll(async () => {
    upstream = await faultyUpstream();
    caisson = await startCaisson({
      ...SOON,
      ANTHROPIC_BASE_URL: upstream.url,
      ECONOMY_TRIES: '3',
      ECONOMY_PARCEL_BYTES: '65536',
      UPSTREAM_RETRIES: '0',
      UPSTREAM_TIMEOUT_MS: '1000',
    });
  });
  afterAll(async () => {
    await caisson.clear();
    await upstream.stop();
  });
  const withFault = async (fault: string) => {
    const { id } = await submit(caisson.admin, say(`Here.\n${fault}`), say('There.'));
    return endsOf(caisson.admin, id);
  };
  const GOOD = ['succeeded', 'succeeded'];
  const FAILED = ['E005', 'E005'];

  it.each<[FaultName, 'create' | 'poll' | 'results', string[]]>([
    ['overloaded', 'create', FAILED],
    ['limited', 'create', ['E002', 'E002']],
    ['refused', 'create', FAILED],
    ['rubbish-json', 'create', FAILED],
    ['hang-before-head', 'create', FAILED],
    ['overloaded', 'poll', FAILED],
    ['reset', 'poll', FAILED],
    ['html-with-200', 'poll', FAILED],
    ['unknown', 'poll', FAILED],
    ['error-of-10-mib', 'poll', FAILED],
    ['overloaded', 'results', FAILED],
    ['rubbish-lines', 'results', FAILED],
    ['endless-line', 'results', FAILED],
    ['empty-lines', 'results', FAILED],
    ['redirect', 'results', FAILED],
  ])('with %s at %s for ever fails its executions', async (fault, endpoint, outcome) => {
    expect(await withFault(`${endpoint}-fault=${fault}`)).toEqual(outcome);
    expect(upstream.asked(fault)).toBeGreaterThan(0);
  });

  it.each<[FaultName, 'create' | 'poll' | 'results']>([
    ['overloaded', 'create'],
    ['limited', 'poll'],
    ['rubbish-json', 'poll'],
    ['reset', 'results'],
    ['rubbish-lines', 'results'],
  ])('with %s at %s twice is asked again', async (fault, endpoint) => {
    expect(await withFault(`${endpoint}-fault=${fault}*2`)).toEqual(GOOD);
  });

  it('gets a large batch in several parcels', async () => {
    const long = (text: string) => say(`${text}\n${'x'.repeat(40_000)}`);
    const { id } = await submit(caisson.admin, long('one'), long('two'), long('three'));
    expect(await endsOf(caisson.admin, id)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  });

  it('and nothing that comes after is harmed', async () => {
    expect(await withFault('')).toEqual(GOOD);
    await gone(() => descendantsOf(process.pid));
  });
});

describe('a batch whose longest wait is over', () => {
  it('[U62] is cancelled at the service; what was answered by then is carried out, the rest ends as E001', async () => {
    const model = new RehearsalModel();
    const { url } = await model.start();
    const caisson = await startCaisson({ ...SOON, ANTHROPIC_BASE_URL: url, ECONOMY_WAIT_MS: '1500' });
    try {
      const { id } = await submit(caisson.admin, say('Early.'), { action: 'analyze', prompt: '@hang' });
      expect(await endsOf(caisson.admin, id)).toEqual(['succeeded', 'E001']);
      expect(model.requests.filter(({ path }) => path.endsWith('/cancel'))).toHaveLength(1);
    } finally {
      await caisson.clear();
      await model.stop();
    }
  });
});
