/** `options.continue`: the real CLI goes on in a conversation that it never saw, because the server has kept it. */
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { ClaudeCodeResponse } from '../../src/commands/claude-code-response.js';
import { type ModelGround, openModelGround } from '../support/model-ground.js';

/** What was said in the last request that reached the model: the texts of each message, without the CLI's own. */
function lastHeard({ model }: ModelGround): string[] {
  const { messages } = model.requests.findLast(({ method }) => method === 'POST')?.body as {
    messages: { role: string; content: string | { type: string; text?: string }[] }[];
  };
  return messages
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }) => {
      const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
      const texts = blocks.map(({ type, text = '' }) => (type === 'text' ? text : `<${type}>`));
      return `${role}: ${texts.filter((text) => !text.startsWith('<system-reminder>')).join(' ')}`;
    });
}

describe('a conversation', () => {
  let ground: ModelGround;
  beforeAll(async () => {
    ground = await openModelGround();
  });
  afterAll(() => ground.clear());

  const run = async (request: Partial<ClaudeCodeRequest> & { prompt: string }, projectId = 'talk') => {
    const { status, body } = await ground.caisson.admin.run({
      action: 'generate',
      metadata: { projectId },
      ...request,
    });
    expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
    return body;
  };
  const idOf = ({ metadata }: ClaudeCodeResponse) => metadata.executionId;

  it('has three turns, each of which hears all before it', async () => {
    const first = await run({ prompt: '@text one' });
    const second = await run({ prompt: '@text two', options: { continue: idOf(first) } });
    expect(lastHeard(ground)).toEqual(['user: @text one', 'assistant: one', 'user: @text two']);
    const third = await run({ prompt: '@text three', options: { continue: idOf(second) } });
    expect(third.result?.text).toBe('three');
    expect(lastHeard(ground)).toEqual([
      'user: @text one',
      'assistant: one',
      'user: @text two',
      'assistant: two',
      'user: @text three',
    ]);
    const view = await ground.caisson.admin.execution(idOf(third));
    expect(view.continues).toBe(idOf(second));
  });
});
