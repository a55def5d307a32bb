import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIRECTIVES, parseScript } from './script.js';

describe('the script language', () => {
  it('is not found in a prompt without directives', () => {
    for (const prompt of [
      'Write a file',
      'mail me @home',
      '@Injectable() class A {}',
      ' @text indented',
      '@pytest.fixture',
    ])
      expect(parseScript(prompt)).toBeUndefined();
  });

  it('ends an answer after a tool call', () => {
    const prompt =
      'Please:\n@text one\n@tool Bash {"command":"ls"}\nthank you\n@text two\n@structured {"a":[1]}';
    expect(parseScript(prompt)).toEqual([
      [
        { kind: 'text', text: 'one' },
        { kind: 'tool', name: 'Bash', input: { command: 'ls' } },
      ],
      [
        { kind: 'text', text: 'two' },
        { kind: 'tool', name: 'StructuredOutput', input: { a: [1] } },
      ],
    ]);
  });

  it.each([
    ['@think hm, well', { kind: 'think', text: 'hm, well' }],
    ['@deltas 50', { kind: 'deltas', count: 50, everyMs: 0, of: 'word ' }],
    ['@deltas 50 every 2ms of "x "', { kind: 'deltas', count: 50, everyMs: 2, of: 'x ' }],
    ['@status 529', { kind: 'status', status: 529 }],
    ['@status 429 times 2 retry-after 1', { kind: 'status', status: 429, times: 2, retryAfter: 1 }],
    ['@hang', { kind: 'hang' }],
    ['@hang times 1', { kind: 'hang', times: 1 }],
    ['@cut', { kind: 'cut', early: false }],
    ['@cut early times 2', { kind: 'cut', early: true, times: 2 }],
    ['@cut times 2', { kind: 'cut', early: false, times: 2 }],
    ['@rubbish', { kind: 'rubbish' }],
    ['@wait 200ms', { kind: 'wait', ms: 200 }],
    ['@usage input=10 output=20', { kind: 'usage', input: 10, output: 20 }],
    ['@usage output=20', { kind: 'usage', output: 20 }],
    ['@echo-request', { kind: 'echo-request' }],
    ['@end', { kind: 'end' }],
  ])('reads %s', (line, step) => expect(parseScript(line)).toEqual([[step]]));

  it.each([
    '@deltas many',
    '@tool Bash ls',
    '@tool Bash [1]',
    '@structured {',
    '@status 200',
    '@wait 5',
    '@cut often',
    '@end now',
  ])('says how to write %s', (line) =>
    expect(parseScript(line)).toEqual([[{ kind: 'text', text: expect.stringContaining('Write it as: @') }]]),
  );

  it('names what it does not know', () => {
    expect(parseScript('@dance\n@constructor')).toEqual([
      [
        { kind: 'text', text: expect.stringContaining('Unknown directive @dance') },
        { kind: 'text', text: expect.stringContaining('Unknown directive @constructor') },
      ],
    ]);
  });

  it('is documented whole', () => {
    const document = readFileSync(join(process.cwd(), 'docs/REHEARSAL.md'), 'utf8');
    for (const { usage } of Object.values(DIRECTIVES)) expect(document).toContain(`\`${usage}\``);
  });
});
