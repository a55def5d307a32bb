import { Redactor } from '../../redaction/redactor.js';
import { Dialogue, isMessagesConversation } from './dialogue.js';

const text = (words: string) => ({ type: 'text' as const, text: words });
const call = (id: string) => ({ type: 'tool_use' as const, id, name: 'Read', input: { file_path: id } });
const result = (id: string, content: string, is_error = false) => ({
  type: 'tool_result' as const,
  tool_use_id: id,
  content,
  is_error,
});

describe('a dialogue', () => {
  it('marks the context and its end for the prompt cache, and nothing else', () => {
    const dialogue = new Dialogue();
    dialogue.hear(text('context'), text('prompt'));
    dialogue.say([text('I look.'), call('a')]);
    dialogue.hear(result('a', 'seen'));
    const marks = dialogue
      .params()
      .map(({ content }) =>
        (content as { cache_control?: object }[]).map(({ cache_control: mark }) => mark !== undefined),
      );
    expect(marks).toEqual([[true, false], [false, false], [true]]);
  });

  it('goes on from what was kept of it, without secrets', () => {
    const dialogue = new Dialogue();
    dialogue.hear(text('the password is open-sesame-1'));
    dialogue.say([text('I see.')]);
    const kept = dialogue.content(10_000, new Redactor(['open-sesame-1']))!;
    expect(kept.toString()).not.toContain('open-sesame-1');
    expect(isMessagesConversation(kept)).toBe(true);
    const later = new Dialogue(kept);
    later.hear(text('And now?'));
    expect(later.isNew).toBe(false);
    expect(later.params().map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(dialogue.content(20, new Redactor([]))).toBeUndefined();
  });

  it('is not made of another engine’s', () => {
    expect(() => new Dialogue(Buffer.from('{"type":"user"}\n'))).toThrow('another engine');
  });

  it('becomes smaller by what tools said long ago', () => {
    const dialogue = new Dialogue();
    dialogue.hear(text('prompt'));
    for (let turn = 0; turn < 8; turn += 1) {
      dialogue.say([call(String(turn))]);
      dialogue.hear(result(String(turn), 'x'.repeat(1000)));
    }
    expect(dialogue.shrink()).toBe(true);
    const length = JSON.stringify(dialogue.params()).length;
    expect(length).toBeLessThan(5500);
    expect(length).toBeGreaterThan(3000);
    expect(dialogue.shrink()).toBe(false);
  });
});
