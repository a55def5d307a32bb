/** What every engine promises, whoever carries it out: the same requests, the same events, the same limits, the same ends. */
import type { EngineList } from '../../src/agents/engines/engine.dto.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { ExecutionView } from '../../src/execution/execution.dto.js';
import type { StreamItem } from '../../src/execution/execution-event.js';
import { ACP_AGENTS } from '../support/acp-agents.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { descendantsOf, gone } from '../support/processes.js';

const OWN = ['claude-code', 'messages', 'hybrid'];
const AGENTS = Object.keys(ACP_AGENTS).map((name) => `acp:${name}`);
const ENGINES = [...OWN, ...AGENTS];

/** How the model calls the tools of an engine, and what is different with it; without an entry it is as with Claude Code. */
const DIFFERENT: Readonly<Record<string, { read?: [string, string]; write?: [string, string] }>> = {
  'acp:gemini': { read: ['read_file', 'file_path'], write: ['write_file', 'file_path'] },
  'acp:opencode': { read: ['read', 'filePath'], write: ['write', 'filePath'] },
};

const HAIKU = 'claude-haiku-4-5';
const SOURCE = 'export const add = (a, b) => a + b;\n';

type Asked = Partial<ClaudeCodeRequest> & { prompt: string };
type Of<T extends StreamItem['type']> = Extract<StreamItem, { type: T }>;

const only = <T extends StreamItem['type']>(events: readonly StreamItem[], type: T): Of<T>[] =>
  events.filter((event): event is Of<T> => event.type === type);
const textOf = (events: readonly StreamItem[]) =>
  only(events, 'agent.text')
    .map(({ data }) => data.text)
    .join('');

/** One server for all of them, each in a project of its own. */
let caisson: Caisson;
beforeAll(async () => {
  caisson = await startCaisson({
    CLAUDE_CODE_MAX_TURNS: '6',
    UPSTREAM_RETRIES: '1',
    MODEL_BY_COMMAND: `generate=${HAIKU}`,
    ACP_AGENTS: JSON.stringify(ACP_AGENTS),
  });
});
afterAll(() => caisson.clear());

describe.each(ENGINES)('the engine %s', (engine) => {
  const isAgent = AGENTS.includes(engine);
  const projectId = engine.replace(':', '-');
  const metadata = { projectId };
  const { read = ['Read', 'file_path'], write: writing = ['Write', 'file_path'] } = DIFFERENT[engine] ?? {};
  const READ = `@tool ${read[0]} {"${read[1]}":"/workspace/src/add.js"}`;
  const write = (path: string) =>
    `@tool ${writing[0]} {"${writing[1]}":"/workspace/${path}","content":"made\\n"}`;
  /** Speaks, reads, writes, calls what is not there, and streams. */
  const SCENE = [
    ...['@text Before.', READ, write('new/made.txt'), '@tool NoSuchTool {}'],
    '@deltas 8 every 40ms of "{n} "',
  ].join('\n');
  /** Of one execution, which most of this is seen in: with the CLI each costs a second of a processor. */
  let scene: StreamItem[];
  let sceneId: string;

  beforeAll(async () => {
    await caisson.admin.call('PUT', `/api/projects/${projectId}/files/src/add.js`, SOURCE);
    ({ id: sceneId, events: scene } = await follow({ prompt: SCENE }));
  });
  afterEach(() => gone(() => descendantsOf(process.pid)));

  const requestOf = ({ options, ...asked }: Asked): ClaudeCodeRequest => ({
    action: 'generate',
    metadata,
    ...asked,
    options: { engine, ...options },
  });
  const run = async (asked: Asked) => {
    const { status, body } = await caisson.admin.run(requestOf(asked));
    return { status, body, code: body.error?.code };
  };
  const follow = async (asked: Asked) => {
    const { id } = await caisson.admin.submit(requestOf(asked));
    return { id, events: await caisson.admin.history(id) };
  };
  const isThere = async (path: string) =>
    (await caisson.admin.get(`/api/projects/${projectId}/files/${path}`)).status === 200;

  it('tells what it says and does in order, and its end once and last', () => {
    expect(scene.map(({ seq }) => seq)).toEqual(scene.map((_, index) => index + 1));
    const types = scene
      .map(({ type }) => type)
      .filter((type) => type !== 'usage.updated' && type !== 'agent.engine')
      .filter((type, index, all) => type !== all[index - 1]);
    // Gemini CLI tells nothing of a call of what it does not have.
    const calls = engine === 'acp:gemini' ? 2 : 3;
    expect(types).toEqual([
      ...(['execution.queued', 'execution.started', 'agent.text'] as const),
      ...Array.from({ length: calls }, () => ['agent.tool_use', 'agent.tool_result'] as const).flat(),
      ...(['agent.text', 'workspace.changed', 'execution.finished'] as const),
    ]);
    expect(only(scene, 'execution.started')[0]?.data.engine).toBe(engine);
    const uses = only(scene, 'agent.tool_use').map(({ data }) => data);
    const results = only(scene, 'agent.tool_result').map(({ data }) => data);
    expect(results.map(({ id }) => id)).toEqual(uses.map(({ id }) => id));
    expect(uses[0]?.name).toBe('Read');
    expect(JSON.stringify(uses[0]?.input)).toContain('src/add.js');
    expect(results[0]?.output).toContain(isAgent ? '' : 'add = (a, b)');
    // An agent may take a call of what it does not have for an answer of its own.
    expect(results.map(({ isError }) => isError).slice(0, isAgent ? 2 : 3)).toEqual(
      [false, false, true].slice(0, isAgent ? 2 : 3),
    );
  });

  it('streams its text as it comes, and answers with the last of it', () => {
    expect(textOf(scene)).toBe('Before.1 2 3 4 5 6 7 8 ');
    expect(only(scene, 'agent.text').length).toBeGreaterThan(4);
    const { status, response } = only(scene, 'execution.finished')[0]!.data;
    expect({ status, text: response.result?.text?.trim() }).toEqual({
      status: 'succeeded',
      text: '1 2 3 4 5 6 7 8',
    });
  });

  it('writes files, which are found as changes', () => {
    const made = { path: 'new/made.txt', action: 'created' };
    expect(only(scene, 'workspace.changed')[0]?.data.files).toMatchObject([made]);
    const [finished] = only(scene, 'execution.finished');
    expect(finished?.data.response.result?.files).toEqual([{ ...made, content: 'made\n' }]);
  });

  it('meters what it used', () => {
    const usages = only(scene, 'usage.updated');
    expect(usages.length).toBeGreaterThanOrEqual(4);
    const { inputTokens, outputTokens, cacheCreationTokens, cacheReadTokens } =
      usages.at(-1)!.data.models.rehearsal!;
    const tokensUsed = inputTokens + outputTokens + cacheCreationTokens + cacheReadTokens;
    expect(only(scene, 'execution.finished')[0]?.data.response.metadata).toMatchObject({
      ...{ tokensUsed, model: 'rehearsal', costUsd: 0 },
    });
  });

  it('changes nothing in a dry run, and tells what it would have changed', async () => {
    const { body } = await run({ prompt: `${write('dry.txt')}\n@text Made.`, options: { dryRun: true } });
    expect(body.result?.files).toMatchObject([{ path: 'dry.txt', action: 'created' }]);
    expect(await isThere('dry.txt')).toBe(false);
  });

  it('refuses tools that the command does not have, and answers in its form all the same', async () => {
    const { id, events } = await follow({ action: 'analyze', prompt: `${write('x')}\n@text ok` });
    const [refused] = only(events, 'agent.tool_result');
    expect(refused?.data).toMatchObject({
      isError: true,
      output: expect.stringContaining('not available here') as string,
    });
    expect(await isThere('x')).toBe(false);
    const { response } = await caisson.admin.execution(id);
    expect(response?.result?.analysis).toMatchObject({
      summary: expect.any(String) as string,
      findings: expect.any(Array) as [],
    });
  });

  it('works in the working directory', async () => {
    const context = { workingDirectory: 'src', files: ['add.js'] };
    const { body } = await run({ action: 'review', prompt: 'Review add.js', context });
    expect({ error: body.error, suggestions: body.result?.suggestions?.length }).toMatchObject({
      error: undefined,
      suggestions: expect.any(Number) as number,
    });
    // The stand-in lists files by the tools that it knows.
    if (!['acp:gemini', 'acp:opencode'].includes(engine))
      expect(body.result?.suggestions?.join()).toContain('add.js');
  });

  it('goes on in its own conversation, also where the request names no engine', async () => {
    const options = { continue: sceneId };
    const request = { action: 'generate', prompt: '@echo-request', metadata, options } as const;
    const { id } = await caisson.admin.submit(request);
    const events = await caisson.admin.history(id);
    expect((await caisson.admin.execution(id)).engine).toBe(engine);
    const models: readonly string[] = ACP_AGENTS[engine.slice('acp:'.length)]?.models ?? [HAIKU];
    expect(only(events, 'execution.queued')[0]?.data.model).toBe(models.includes(HAIKU) ? HAIKU : models[0]);
    const asked = JSON.parse(textOf(events)) as { messages: number; model: string; system: string[] };
    // An agent of the protocol is told in words.
    if (isAgent) expect(asked.system.join('\n')).toContain('You: Before.1 2 3 4 5 6 7 8');
    // What was asked, three calls with their results, what was said, and what is asked now.
    else expect(asked).toMatchObject({ messages: 9, model: HAIKU });
  });

  it('outlives a model service that refuses once, and cuts an answer once', async () => {
    // The stand-in counts its faults by the prompt.
    const prompt = `For ${engine}:\n@status 529 times 1 retry-after 0\n${READ}\n@cut times 1\n@text Here again.`;
    expect((await run({ prompt })).body.result?.text).toBe('Here again.');
  });

  describe('is ended', () => {
    it('by the output tokens of the request', async () => {
      const prompt = '@deltas 4000 of "many words "';
      expect(await run({ prompt, options: { maxTokens: 200 } })).toMatchObject({ status: 402, code: 'E011' });
    });

    it('by the number of turns', async () => {
      const prompt = [...new Array<string>(8).fill(READ), '@text Done.'].join('\n');
      expect(await run({ prompt })).toMatchObject({ status: 402, code: 'E011' });
    });

    it('by the time limit', async () => {
      const prompt = '@text Working.\n@hang';
      expect(await run({ prompt, options: { timeout: 2500 } })).toMatchObject({ status: 504, code: 'E001' });
    });

    it('by a cancel, at once', async () => {
      const { id } = await caisson.admin.submit(requestOf({ prompt: '@deltas 2000 every 20ms' }));
      await caisson.admin.firstEvent(id, 'agent.text');
      const { body } = await caisson.admin.call<ExecutionView>('POST', `/api/executions/${id}/cancel`);
      expect(body).toMatchObject({ status: 'cancelled', response: { error: { code: 'E013' } } });
    });

    it('by a model service that limits the rate for ever', async () => {
      const prompt = '@status 429 times 1000 retry-after 0';
      expect(await run({ prompt })).toMatchObject({ status: 429, code: 'E002' });
    });
  });

  it('leaves its conversation to no other engine', async () => {
    const other = engine === 'claude-code' ? 'messages' : 'claude-code';
    const { body } = await run({ prompt: '@text x', options: { engine: other, continue: sceneId } });
    expect(body.error).toMatchObject({
      code: 'E003',
      details: [{ field: 'options.engine', problem: `must be ${engine}, whose conversation it is` }],
    });
  });
});

describe('the engines', () => {
  const refused = async (options: object) => {
    const { status, body } = await caisson.admin.run({ action: 'generate', prompt: '@text x', options });
    return { status, code: body.error?.code, details: body.error?.details };
  };

  it('are listed with what each can do, and whether it is well', async () => {
    const { status, body } = await caisson.admin.get<EngineList>('/api/engines');
    expect(status).toBe(200);
    expect(body.items.map(({ name, healthy }) => [name, healthy])).toEqual(
      ENGINES.map((name) => [name, true]),
    );
    const [claudeCode, messages] = body.items;
    expect(claudeCode).toMatchObject({
      ...{ default: true, commands: [] },
      capabilities: { runsPrograms: true, reachesHosts: true, keepsWarm: true },
    });
    expect(claudeCode?.tools).toContain('Bash');
    expect(messages).toMatchObject({ default: false, capabilities: { runsPrograms: false } });
    expect(messages?.tools).toEqual(['Read', 'List', 'Search', 'Write', 'ApplyPatch']);
    for (const { name, models } of body.items)
      expect(models).toContain(ACP_AGENTS[name.slice('acp:'.length)]?.models[0] ?? 'claude-sonnet-5-5');
  });

  it('are for whoever may read', async () => {
    const client = await caisson.clientOf('nobody', ['run']);
    expect((await client.get('/api/engines')).status).toBe(403);
  });

  it('are named by requests: another one, or another model, is refused with what there is', async () => {
    expect(await refused({ engine: 'other' })).toEqual({
      status: 400,
      code: 'E003',
      details: [{ field: 'options.engine', problem: `must be one of ${ENGINES.join(', ')}` }],
    });
    expect(await refused({ engine: 'messages', model: 'other' })).toMatchObject({
      status: 400,
      code: 'E003',
      details: [{ field: 'options.model', problem: expect.stringContaining('claude-sonnet-5-5') as string }],
    });
  });
});
