import { Redactor } from '../../redaction/redactor.js';
import { Transcript } from './transcript.js';

const OWN = '/home/agent/.claude/projects/-workspace/mine.jsonl';
const entry = (text: string) => ({ type: 'user', text });
const told = (entries: unknown, filePath: unknown = OWN) =>
  `${JSON.stringify({ type: 'transcript_mirror', filePath, entries })}\n`;

describe('a transcript', () => {
  const hear = (output: string, { maxBytes = 1000, piece = output.length } = {}) => {
    const transcript = new Transcript('mine', { maxBytes, redactor: new Redactor(['the "quoted" secret']) });
    const bytes = Buffer.from(output);
    for (let at = 0; at < bytes.length; at += piece) transcript.push(bytes.subarray(at, at + piece));
    return transcript.content()?.toString();
  };
  const lines = (...texts: string[]) => texts.map((text) => `${JSON.stringify(entry(text))}\n`).join('');

  it.each([1, 7, 100, 10_000])('is what was told, without secrets, in pieces of %d bytes', (piece) => {
    const output = [
      '{"type":"system"}\n\n',
      told([entry('one'), entry('says the "quoted" secret')]),
      '{"type":"result"}\n',
      told([entry('twö')]),
      'rest',
    ].join('');
    expect(hear(output, { piece })).toBe(lines('one', 'says [redacted]', 'twö'));
  });

  it.each([
    ['nothing', '{"type":"system"}\n'],
    ['another session', told([entry('x')], OWN.replace('mine', 'other'))],
    ['a part', told([entry('x')], OWN.replace('mine', 'mine/subagents/x'))],
    ['a place around it', told([entry('x')], '/home/agent/.claude/projects/../mine.jsonl/../../mine.jsonl')],
    ['no place', told([entry('x')], 7)],
    ['no list', told(7)],
    ['no JSON', '{"type":"transcript_mirror",\n'],
  ])('is not known of whoever tells of %s', (_, output) => {
    expect(hear(output)).toBeUndefined();
  });

  it('is not kept in part: past the bound, or nested too deep, it is gone for good', () => {
    const deep = `${told([entry('x')]).slice(0, -3)},${'['.repeat(200_000)}${']'.repeat(200_000)}]}\n`;
    for (const last of [told([entry('x'.repeat(1000))]), deep])
      expect(hear(told([entry('one')]) + last + told([entry('two')]))).toBeUndefined();
  });
});
