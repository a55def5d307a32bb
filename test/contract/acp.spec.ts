/** An agent of the Agent Client Protocol that is scripted: what it is told, what is believed of it, and how it may fail. */
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineList } from '../../src/agents/engines/engine.dto.js';
import type { CommandAction, RequestOptions } from '../../src/commands/claude-code-request.js';
import type { ExecutionView } from '../../src/execution/execution.dto.js';
import { Log } from '../../src/logging/log.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { descendantsOf, gone, linesOf } from '../support/processes.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const KIB = 1024;
const KEY = 'sk-canary-of-openai';

describe('an agent of the protocol', () => {
  let directory: string;
  let caisson: Caisson;
  let reported: jest.SpyInstance;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    await copyFile('test/support/fixtures/scripted-agent.mts', join(directory, 'agent.mts'));
    const agent = (...args: string[]) => ({
      ...{ command: ['node', '/opt/acp/agent.mts', ...args], directory, provider: 'openai' },
      ...{ models: ['gpt-5.1', 'gpt-5.1-mini'], env: { MODEL_ASKED: 'of {model}' } },
    });
    caisson = await startCaisson({
      ACP_AGENTS: JSON.stringify({
        scripted: agent(),
        strange: agent('--version-99'),
        closed: agent('--no-session'),
        missing: { ...agent(), directory: join(directory, 'missing') },
        foreign: { ...agent(), provider: 'gemini', models: ['gemini-2.5-pro'] },
        none: { ...agent(), command: ['/opt/acp/no-such-program'] },
      }),
      ANTHROPIC_API_KEY: 'sk-canary-of-anthropic',
      OPENAI_API_KEY: KEY,
      OUTPUT_LINE_MAX_BYTES: String(64 * KIB),
      OUTPUT_MAX_BYTES: String(256 * KIB),
    });
    reported = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  });
  afterEach(() => gone(() => descendantsOf(process.pid)));
  afterAll(async () => {
    await caisson.clear();
    await rm(directory, { recursive: true });
    // The protocol's SDK would write there what an agent makes it.
    expect(reported.mock.calls).toEqual([]);
  });

  const asked = (deed: string, options: RequestOptions = {}, action: CommandAction = 'generate') => ({
    ...{ action, prompt: `deed: ${deed}` },
    options: { engine: 'acp:scripted', ...options },
  });
  const run = async (...order: Parameters<typeof asked>) => {
    const { status, body } = await caisson.admin.run(asked(...order));
    return { status, body, code: body.error?.code, text: body.result?.text };
  };
  /** What an agent says in one go may come in several events. */
  const told = async (deed: string) => {
    const { id } = await caisson.admin.submit(asked(deed));
    const all: { type: string; data: object }[] = [];
    for (const { type, data } of await caisson.admin.history(id)) {
      const last = all.at(-1);
      if (last?.type === type && 'text' in data && 'text' in last.data)
        last.data = { text: `${String(last.data.text)}${data.text}` };
      else if (type.startsWith('agent.')) all.push({ type, data });
    }
    return all.map(({ type, data }) => [type, data]);
  };

  it('is told its task and nothing else: no file or terminal of the server, no server of tools, no key', async () => {
    const { text } = await run('report', { model: 'gpt-5.1-mini' });
    const { introduced, opened, prompt, environment } = JSON.parse(text ?? '') as Record<string, object>;
    expect(introduced).toMatchObject({
      clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
    });
    expect(opened).toEqual({ cwd: '/workspace', mcpServers: [] });
    expect(prompt).toMatchObject([
      { text: expect.stringContaining('Caisson command: generate') as string },
      { text: 'deed: report' },
    ]);
    expect(environment).toMatchObject({
      OPENAI_BASE_URL: 'http://127.0.0.1:3128/v1',
      OPENAI_MODEL: 'gpt-5.1-mini',
      MODEL_ASKED: 'of gpt-5.1-mini',
    });
    expect(JSON.stringify(environment)).not.toContain('canary');
  });

  it('reaches the service of its provider, no other one and nothing else', async () => {
    // 400: what it sent is no request; 404: no way leads there.
    const { text } = await run('reach');
    expect(JSON.parse(text ?? '')).toEqual({ outside: 'unreachable', statuses: [400, 404, 404] });
  });

  it('is allowed what its command has the tools for, once each, and nothing else', async () => {
    expect((await run('permissions')).text).toBe(
      'read=yes search=yes edit=yes delete=yes move=yes execute=yes think=yes fetch=no switch_mode=no other=no',
    );
    const { body } = await run('permissions', {}, 'review');
    // It gives no answer of the form that a review has; what it was allowed is told by its events.
    const events = await caisson.admin.history(body.metadata.executionId);
    const results = events.flatMap((event) => (event.type === 'agent.tool_result' ? [event.data] : []));
    expect(results.slice(0, 10).map(({ output, isError }) => [output, isError])).toEqual(
      ['yes', 'yes', 'Edit', 'Delete', 'Move', 'yes', 'yes', 'Fetch', 'SwitchMode', 'Other'].map((told) =>
        told === 'yes' ? ['yes', false] : [`The tool ${told} is not available here.`, true],
      ),
    );
    expect((await run('no-choice')).text).toBe('fetch=cancelled');
  });

  it('is told in events as any engine, whatever pieces it tells itself in', async () => {
    expect(await told('pieces')).toEqual([
      ['agent.thinking', { text: 'Hm.Plan:\n[x] Look\n[ ] Do\n' }],
      ['agent.text', { text: 'Not the answer.' }],
      ['agent.tool_use', { id: 'a', name: 'Bash', input: { command: 'ls' } }],
      ['agent.tool_result', { id: 'a', output: 'a.js\n[image]\nChanged /workspace/a.js.', isError: false }],
      ['agent.tool_use', { id: 'b', name: 'odd_tool', input: { title: 'b', paths: [] } }],
      ['agent.tool_result', { id: 'b', output: '', isError: true }],
      ['agent.text', { text: 'The answer.' }],
    ]);
    const { body } = await run('pieces');
    expect(body).toMatchObject({
      success: true,
      result: { text: 'The answer.' },
      metadata: { tokensUsed: 0 },
    });
  });

  it('harms nobody by what is no message of the protocol, and gets nothing by asking for what was not offered', async () => {
    expect((await run('rubbish')).text).toBe('-32601,-32601,-32601,-32602,-32601');
  });

  it('is reminded of the form of its answer, twice and no more', async () => {
    expect((await run('forget-twice', {}, 'analyze')).body.result?.analysis).toEqual({
      summary: 's',
      structure: [],
      findings: [],
    });
    expect(await run('forget-always', {}, 'analyze')).toMatchObject({ status: 502, code: 'E005' });
  });

  it.each([
    ['crashes', 'crash', 502, 'E005'],
    ['fails by its own account', 'fail', 502, 'E005'],
    ['refuses', 'refuse', 502, 'E005'],
    ['has used up its own turns', 'used-up', 402, 'E011'],
    ['floods', 'flood', 422, 'E015'],
  ])('that %s ends in an error of the catalogue', async (_, deed, status, code) => {
    expect(await run(deed)).toMatchObject({ status, code });
  });

  it('that crashes leaves its last words in the log', async () => {
    const warn = jest.spyOn(caisson.app.get(Log), 'warn');
    await run('crash');
    const causes = warn.mock.calls.map(([entry]) => (entry as { err?: Error }).err?.message ?? '');
    expect(causes.join('\n')).toContain('the last words');
  });

  it.each([
    ['speaks another version', 'strange', 'E005'],
    ['opens no session', 'closed', 'E005'],
    ['is no program', 'none', 'E005'],
    ['is not installed', 'missing', 'E012'],
    ['has no key of its provider', 'foreign', 'E012'],
  ])('that %s ends in an error of the catalogue', async (_, name, code) => {
    expect((await run('report', { engine: `acp:${name}` })).code).toBe(code);
  });

  it.each(['silent', 'stubborn'])(
    'that is %s is ended by the time limit',
    async (deed) => {
      expect(await run(deed, { timeout: 1500 })).toMatchObject({ status: 504, code: 'E001' });
    },
    20_000,
  );

  it('is asked to stop by a cancel, and ended', async () => {
    const { id } = await caisson.admin.submit(asked('stubborn'));
    await caisson.admin.firstEvent(id, 'agent.text');
    const { body } = await caisson.admin.call<ExecutionView>('POST', `/api/executions/${id}/cancel`);
    expect(body).toMatchObject({ status: 'cancelled', response: { error: { code: 'E013' } } });
    expect(await linesOf(await descendantsOf(process.pid))).toEqual([]);
  }, 20_000);

  it('is told what was said before, where one goes on', async () => {
    const first = await run('pieces');
    const { text } = await run('report', { continue: first.body.metadata.executionId });
    const { prompt } = JSON.parse(text ?? '') as { prompt: { text: string }[] };
    expect(prompt[0]?.text).toContain(
      'User: deed: pieces\nYou used: Bash {"command":"ls"}\nYou used: odd_tool {"title":"b","paths":[]}\n',
    );
    expect(prompt[0]?.text).toMatch(/You: .*The answer\./);
    const other = await run('report', { continue: first.body.metadata.executionId, engine: 'acp:strange' });
    expect(other.code).toBe('E003');
  });

  it('is listed as an engine: with its version once it has told it, and why it is not well', async () => {
    const { body } = await caisson.admin.get<EngineList>('/api/engines');
    const [scripted, , , missing, foreign] = body.items.filter(({ name }) => name.startsWith('acp:'));
    expect(scripted).toMatchObject({
      ...{ name: 'acp:scripted', version: '1.2.3', healthy: true, models: ['gpt-5.1', 'gpt-5.1-mini'] },
      capabilities: { runsPrograms: true, reachesHosts: true, keepsWarm: false },
    });
    expect(missing).toMatchObject({ healthy: false, reason: 'Its directory (ACP_AGENTS) is not there.' });
    expect(foreign).toMatchObject({ healthy: false, reason: 'There is no key of its provider (gemini).' });
    const refused = await run('report', { model: 'claude-sonnet-5-5' });
    expect(refused.body.error).toMatchObject({
      code: 'E003',
      details: [{ field: 'options.model', problem: 'must be one of gpt-5.1, gpt-5.1-mini' }],
    });
  });
});
