import { Conversation, messagesRequest } from './conversation.js';
import { improvise } from './improvise.js';

describe('improvise', () => {
  const tools = ['Bash', 'Read', 'Write', 'Edit'].map((name) => ({ name }));
  const ask = (command: string, prompt: string, rest: object = {}) => {
    const system = `Working directory: /workspace/app\nCaisson command: ${command}`;
    const messages = [
      { role: 'user', content: [{ type: 'text', text: `<system-reminder>x.py</system-reminder>${prompt}` }] },
    ];
    return improvise(
      new Conversation(messagesRequest.parse({ model: 'm', system, messages, tools, ...rest })),
    );
  };
  const written = (prompt: string) =>
    ask('generate', prompt).flatMap((step) => (step.kind === 'tool' ? [step.input.file_path] : []));

  it.each([
    ['Create src/sum.ts with a function', 'src/sum.ts'],
    ['Create ./sum.py, please.', 'sum.py'],
    ['A greeting in TypeScript', 'hello.ts'],
    ['A greeting for Node.js, e.g. hello', 'hello.js'],
    ['Write to ../../etc/passwd.txt', 'hello.js'],
    ['Write to /etc/passwd.txt', 'hello.js'],
  ])('writes below the working directory: %s', (prompt, name) => {
    expect(written(prompt)).toEqual([`/workspace/app/${name}`]);
  });

  it('calls no tool that is not offered', () => {
    for (const command of ['generate', 'analyze', 'refactor', 'review', 'unknown'])
      expect(ask(command, 'Do it', { tools: [] })).toEqual([{ kind: 'text', text: expect.any(String) }]);
  });
});
