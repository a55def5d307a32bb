import type Anthropic from '@anthropic-ai/sdk';
import type { AgentEvent } from '../agent-engine.js';
import { CutAnswer, readAnswer } from './answer.js';

const USAGE = { input_tokens: 5, cache_creation_input_tokens: 20, cache_read_input_tokens: 300 };
const START = { type: 'message_start', message: { usage: USAGE } };
const block = (index: number, content_block: object) => ({
  type: 'content_block_start',
  index,
  content_block,
});
const delta = (index: number, of: object) => ({ type: 'content_block_delta', index, delta: of });
const stop = (index: number) => ({ type: 'content_block_stop', index });
const END = [{ type: 'message_delta', delta: { stop_reason: 'tool_use' } }, { type: 'message_stop' }];

async function read(...events: object[]) {
  async function* stream() {
    yield* events as Anthropic.RawMessageStreamEvent[];
  }
  const told: AgentEvent[] = [];
  const answer = readAnswer(stream());
  for (;;) {
    const next = await answer.next();
    if (next.done === true) return { told, answer: next.value };
    told.push(next.value);
  }
}

describe('an answer that streams', () => {
  it('is told as it comes, and kept whole', async () => {
    const { told, answer } = await read(
      START,
      block(0, { type: 'thinking' }),
      ...[
        delta(0, { type: 'thinking_delta', thinking: 'hm' }),
        delta(0, { type: 'signature_delta', signature: 's' }),
      ],
      stop(0),
      block(1, { type: 'text' }),
      ...[delta(1, { type: 'text_delta', text: 'a' }), delta(1, { type: 'text_delta', text: 'b' }), stop(1)],
      block(2, { type: 'tool_use', id: 't', name: 'Read' }),
      delta(2, { type: 'input_json_delta', partial_json: '{"file_' }),
      delta(2, { type: 'input_json_delta', partial_json: 'path":"x"}' }),
      stop(2),
      ...END,
    );
    expect(told.map(({ type, data }) => [type, 'text' in data ? data.text : ''])).toEqual([
      ['agent.thinking', 'hm'],
      ['agent.text', 'a'],
      ['agent.text', 'b'],
    ]);
    expect(answer).toMatchObject({ stopReason: 'tool_use', promptTokens: 325 });
    expect(answer.content).toEqual([
      { type: 'thinking', thinking: 'hm', signature: 's' },
      { type: 'text', text: 'ab' },
      { type: 'tool_use', id: 't', name: 'Read', input: { file_path: 'x' } },
    ]);
  });

  it('tells calls whose input was cut, and leaves out texts without a character', async () => {
    const call = (json: string) => [
      block(1, { type: 'tool_use', id: json, name: 'Write' }),
      delta(1, { type: 'input_json_delta', partial_json: json }),
      stop(1),
    ];
    const empty = [block(0, { type: 'text' }), stop(0)];
    const inputs = ['{"content":"half', '[1]', `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`];
    const { answer } = await read(START, ...empty, ...inputs.flatMap(call), ...END);
    expect([...answer.broken]).toEqual(inputs);
    expect(answer.content.map(({ type }) => type)).toEqual(['tool_use', 'tool_use', 'tool_use']);
  });

  it('is none without its end', async () => {
    await expect(read(START, block(0, { type: 'text' }))).rejects.toThrow(CutAnswer);
  });
});
