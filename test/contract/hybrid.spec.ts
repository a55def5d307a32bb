/** Real: both engines, the CLI, the gateway and the sandbox. Not real: the model. */
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { StreamItem } from '../../src/execution/execution-event.js';
import { lastHeard } from '../support/heard.js';
import { type ModelGround, openModelGround } from '../support/model-ground.js';

const READ = '@tool Read {"file_path":"src/add.js"}';
const handOver = (learned: string) =>
  `@tool HandOver ${JSON.stringify({ reason: 'it needs a shell', learned })}`;

describe('the engine hybrid', () => {
  let ground: ModelGround;
  beforeAll(async () => {
    ground = await openModelGround({ HYBRID_MAX_TURNS: '3' });
    const { admin } = ground.caisson;
    await admin.call('PUT', '/api/projects/default/files/src/add.js', 'export const add = 1;\n');
  });
  afterAll(() => ground.clear());

  const ask = async (prompt: string, more: Partial<ClaudeCodeRequest> = {}) => {
    const { admin } = ground.caisson;
    const { options, ...rest } = more;
    const request = {
      action: 'generate' as const,
      prompt,
      ...rest,
      options: { engine: 'hybrid', ...options },
    };
    const { status, body } = await admin.run(request);
    const events = await admin.history(body.metadata.executionId);
    return { status, body, events, choices: choicesOf(events) };
  };
  const choicesOf = (events: readonly StreamItem[]) =>
    events.flatMap((event) => (event.type === 'agent.engine' ? [event.data] : []));

  it('gives what is simple to the Messages API, and tells why', async () => {
    const { status, choices, events, body } = await ask('Create a greeting\n@text Made.');
    expect(status).toBe(200);
    expect(choices).toEqual([
      { name: 'messages', score: 5, threshold: 50, reasons: ['generate +5: the command'] },
    ]);
    expect(events.map(({ type }) => type).indexOf('agent.engine')).toBe(2);
    expect(body.result?.text).toBe('Made.');
  });

  it('gives what needs a shell to Claude Code', async () => {
    const { choices, body } = await ask('Run the tests.\n@tool Bash {"command":"echo shell"}\n@text Ran.');
    expect(choices).toMatchObject([{ name: 'claude-code', score: 65 }]);
    expect(choices[0]?.reasons[1]).toBe('programs +60: a shell is needed for "Run the tests"');
    expect(body.result?.text).toBe('Ran.');
  });

  it('does what the request says instead, when it names an engine', async () => {
    const { choices, body } = await ask('Run the tests.\n@text Did not.', {
      options: { engine: 'messages' },
    });
    expect(choices).toEqual([]);
    expect(body.result?.text).toBe('Did not.');
  });

  it('hands over once, with what was learned, and counts the tokens together', async () => {
    const write = '@tool Write {"file_path":"src/half.js","content":"half"}';
    const script = [READ, handOver('half.js is only half done'), '@text x'].join('\n');
    const { choices, events, body } = await ask(`${write}\n${script}`);
    expect(choices.map(({ name, handedOver }) => [name, handedOver])).toEqual([
      ['messages', undefined],
      ['claude-code', true],
    ]);
    expect(choices[1]?.reasons).toEqual(['handed over: it needs a shell']);
    const [heard] = lastHeard(ground.model);
    expect(heard).toContain('Why: it needs a shell');
    expect(heard).toContain('It read: src/add.js');
    expect(heard).toContain('It changed, and the changes are in the files: src/half.js');
    expect(heard).toContain('half.js is only half done');
    expect(body.result?.files).toMatchObject([{ path: 'src/half.js', action: 'created' }]);
    const usages = events.flatMap((event) =>
      event.type === 'usage.updated' ? [event.data.models.rehearsal!] : [],
    );
    const tokens = usages.map(
      (it) => it.inputTokens + it.outputTokens + it.cacheCreationTokens + it.cacheReadTokens,
    );
    expect(tokens).toEqual(tokens.toSorted((one, other) => one - other));
    expect(body.metadata.tokensUsed).toBe(tokens.at(-1));
  });

  it('hands over what is not done when its turns are used up', async () => {
    const { choices, body } = await ask(`${READ}\n${READ}\n${READ}\n@text Done at last.`);
    expect(choices[1]).toMatchObject({
      name: 'claude-code',
      handedOver: true,
      reasons: ['handed over: it was not done after 3 turns'],
    });
    expect(body.result?.text).toBe('Done at last.');
  });

  it('has one budget of tokens for both', async () => {
    const script = `@usage output=150\n${handOver('much')}\n@deltas 4000 of "many words "`;
    const { status, body } = await ask(script, { options: { maxTokens: 200 } });
    expect({ status, code: body.error?.code }).toEqual({ status: 402, code: 'E011' });
  });

  it('goes on with whoever had the conversation', async () => {
    const first = await ask('@text one');
    const second = await ask('Run the tests\n@text two', {
      options: { continue: first.body.metadata.executionId },
    });
    expect(second.choices[0]).toMatchObject({
      name: 'messages',
      reasons: ['it goes on in a conversation of messages'],
    });
    const shell = await ask('Run the tests\n@text three');
    const third = await ask('@text four', { options: { continue: shell.body.metadata.executionId } });
    expect(third.choices[0]?.name).toBe('claude-code');
  });

  it('is cancelled in either half', async () => {
    const { admin } = ground.caisson;
    const prompt = `${handOver('x')}\n@text Now here.\n@deltas 2000 every 20ms`;
    const { id } = await admin.submit({ action: 'generate', prompt, options: { engine: 'hybrid' } });
    await admin.firstEvent(id, 'agent.text');
    const { body } = await admin.call<{ status: string }>('POST', `/api/executions/${id}/cancel`);
    expect(body.status).toBe('cancelled');
  });
});
