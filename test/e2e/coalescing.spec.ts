/** Identical requests of the same time: one runs, each has its own execution, stream, audit entries and end. */
import type { AuditPage } from '../../src/audit/audit.dto.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { ExecutionView } from '../../src/execution/execution.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';

describe('identical requests of the same time', () => {
  let caisson: Caisson;
  let alice: Client;
  let count = 0;
  let request: ClaudeCodeRequest;
  beforeAll(async () => {
    caisson = await startCaisson({ CACHE_MAX_BYTES: undefined });
    alice = await caisson.clientOf('alice');
  });
  beforeEach(() => {
    count += 1;
    // The stand-in says when each piece was sent: two runs are never the same.
    request = asking('@deltas 3 every 300ms of "{at} "');
  });
  afterAll(() => caisson.clear());

  const asking = (script: string, more: Partial<ClaudeCodeRequest> = {}): ClaudeCodeRequest => ({
    action: 'analyze',
    prompt: `Number ${count}\n${script}`,
    metadata: { projectId: `p${count}` },
    ...more,
  });
  /** Accepted one after another, so that the first one leads. */
  async function submit(number: number, one = request): Promise<string[]> {
    const ids = [];
    for (let n = 0; n < number; n += 1) ids.push((await alice.submit(one)).id);
    return ids;
  }
  const said = async (id: string): Promise<string> =>
    (await alice.history(id)).map((event) => (event.type === 'agent.text' ? event.data.text : '')).join('');
  const cancel = (id: string) => alice.call<ExecutionView>('POST', `/api/executions/${id}/cancel`);
  const ends = (ids: string[]) => Promise.all(ids.map((id) => alice.ended(id)));
  const cached = (executions: ExecutionView[]) => executions.map(({ response }) => response?.metadata.cached);

  it('run once, and each caller has it all', async () => {
    const ids = await submit(8);
    // One reads from the first event while nothing has happened yet.
    const live = alice.history(ids[3]!);
    const executions = await ends(ids);
    expect(new Set(ids).size).toBe(8);
    expect(executions.map(({ status }) => status)).toEqual(ids.map(() => 'succeeded'));
    expect(cached(executions)).toEqual([undefined, true, true, true, true, true, true, true]);
    const texts = await Promise.all(ids.map(said));
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toMatch(/^\d+\S* \d+\S* \d+/);
    const events = await live;
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ type }) => type).slice(0, 2)).toEqual(['execution.queued', 'execution.started']);
    expect(events.every(({ executionId }) => executionId === ids[3])).toBe(true);
    const { items } = (await alice.get<AuditPage>('/api/audit?limit=50')).body;
    for (const id of ids)
      expect(
        items.filter(({ executionId }) => executionId === id).map(({ type, success }) => [type, success]),
      ).toEqual([
        ['execution.ended', true],
        ['execution.accepted', undefined],
      ]);
    expect(executions.slice(1).map(({ response }) => response?.metadata.tokensUsed)).toEqual(
      Array.from({ length: 7 }, () => 0),
    );
    expect((await caisson.admin.get('/api/audit?verify=true')).body).toMatchObject({ valid: true });
  });

  it('go on when one that waits is cancelled', async () => {
    const ids = await submit(4);
    expect((await cancel(ids[2]!)).body.status).toBe('cancelled');
    const executions = await ends(ids);
    expect(executions.map(({ status }) => status)).toEqual([
      'succeeded',
      'succeeded',
      'cancelled',
      'succeeded',
    ]);
    expect(cached(executions)).toEqual([undefined, true, undefined, true]);
  });

  it('go on when the one that runs is cancelled: the next one runs for the rest', async () => {
    const ids = await submit(4);
    await alice.firstEvent(ids[0]!, 'agent.text');
    expect((await cancel(ids[0]!)).body.status).toBe('cancelled');
    const executions = await ends(ids);
    expect(executions.map(({ status }) => status)).toEqual([
      'cancelled',
      'succeeded',
      'succeeded',
      'succeeded',
    ]);
    expect(cached(executions)).toEqual([undefined, undefined, true, true]);
    expect(new Set(await Promise.all(ids.slice(1).map(said))).size).toBe(1);
  });

  it('go on when the one in front is cancelled while it waits, and then the next one too', async () => {
    const busy = await submit(1, asking('@tool Bash {"command":"sleep 2"}', { action: 'generate' }));
    const ids = await submit(4); // behind the one that writes
    await cancel(ids[0]!);
    await cancel(ids[1]!);
    const executions = await ends([...busy, ...ids]);
    expect(cached(executions)).toEqual([undefined, undefined, undefined, undefined, true]);
  });

  it('each run for themselves when the one that ran for them fails', async () => {
    const ids = await submit(3, asking('@wait 300ms\n@cut times 99'));
    const executions = await ends(ids);
    expect(executions.map(({ status }) => status)).toEqual(['failed', 'failed', 'failed']);
    expect(cached(executions)).toEqual([undefined, undefined, undefined]);
    // Each asked for itself, so each has its own account.
    expect(executions.map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
  });

  it('are not shared over one that writes in between', async () => {
    const look = asking('@wait 500ms\n@tool Bash {"command":"cat a.txt"}\n@text Looked.');
    const [first] = await submit(1, look);
    await submit(1, asking('@tool Bash {"command":"echo new > a.txt"}', { action: 'generate' }));
    const [second] = await submit(1, look);
    await ends([first!, second!]);
    const output = async (id: string) =>
      JSON.stringify((await alice.history(id)).find(({ type }) => type === 'agent.tool_result')?.data);
    expect(await output(first!)).toContain('No such file');
    expect(await output(second!)).toContain('new');
  });

  it('are two when they ask for something else, or for a run of their own', async () => {
    const ids = [
      ...(await submit(1)),
      ...(await submit(1, { ...request, options: { cache: 'off' } })),
      ...(await submit(1, { ...request, options: { cache: 'refresh' } })),
      ...(await submit(1, { ...request, options: { depth: 2 } })),
    ];
    expect(cached(await ends(ids))).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('run once in a batch too, where each dry run has changes of its own to put in place', async () => {
    const dry = asking('@tool Bash {"command":"date +%N > made.txt"}', {
      action: 'generate',
      options: { dryRun: true },
    });
    const { id } = await alice.submitBatch([dry, dry, dry]);
    const results = await alice.results(id);
    expect(results.map(({ response }) => response?.metadata.cached)).toEqual([undefined, true, true]);
    const contents = results.map(({ response }) => response?.result?.files?.[0]?.content);
    expect(new Set(contents).size).toBe(1);
    const last = results[2]?.response?.metadata.executionId;
    expect((await alice.call('POST', `/api/executions/${last}/apply`)).status).toBe(200);
    const made = await alice.get<string>(`/api/projects/p${count}/files/made.txt`);
    expect(made.body).toBe(contents[0]);
  });

  it('fill the queue no less than others', async () => {
    const small = await startCaisson({
      CACHE_MAX_BYTES: undefined,
      QUEUE_MAX: '2',
      CLAUDE_CODE_MAX_CONCURRENT: '1',
    });
    try {
      const hang = asking('@text Working.\n@hang');
      const { id } = await small.admin.submit(hang);
      await small.admin.firstEvent(id, 'agent.text');
      for (let n = 0; n < 2; n += 1) await small.admin.submit(hang);
      await expect(small.admin.submit(hang)).rejects.toThrow('refused with 503');
    } finally {
      await small.clear();
    }
  });

  it('that waited when the server stopped run after its next start', async () => {
    const first = await startCaisson({ CACHE_MAX_BYTES: undefined });
    const ids = [];
    for (let n = 0; n < 3; n += 1) ids.push((await first.admin.submit(asking('@wait 1000ms\n@text Hi.'))).id);
    await first.admin.firstEvent(ids[0]!, 'execution.started');
    await first.stop();
    const again = await startCaisson({ CACHE_MAX_BYTES: undefined }, first.directory);
    try {
      const admin = await again.clientOf('admin');
      const executions = await Promise.all(ids.slice(1).map((id) => admin.ended(id)));
      expect(executions.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    } finally {
      await again.clear();
    }
  });
});
