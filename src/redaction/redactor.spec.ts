import fc from 'fast-check';
import { redactEvents } from './redact-events.js';
import { Redactor } from './redactor.js';

const SECRETS = ['the-model-key-12345', 'the-model-key-12345-longer', 'abcdefgc', 'aaaaaaab'];
const OUR_KEY = `csk_${'A1_-'.repeat(10)}xyz`;
const THEIR_KEY = `sk-ant-api03-${'Zz9-'.repeat(20)}`;
const redactor = new Redactor(SECRETS);

type TextEvent = { type: 'agent.text' | 'agent.thinking'; data: { text: string } };
const text = (value: string): TextEvent => ({ type: 'agent.text', data: { text: value } });

/** What comes out of a stream of these pieces, and its outcome. */
async function streamed<Event extends { type: string; data: unknown }>(
  pieces: Event[],
  outcome: unknown = {},
) {
  async function* engine(): AsyncGenerator<Event, unknown, void> {
    yield* pieces;
    return outcome;
  }
  const events = redactEvents(engine(), redactor);
  const out: Event[] = [];
  for (;;) {
    const next = await events.next();
    if (next.done === true) return { out, outcome: next.value };
    out.push(next.value);
  }
}
const joined = (events: TextEvent[]) => events.map(({ data }) => data.text).join('');

describe('redaction', () => {
  it('takes every kind of secret out of text, keys and nested values, and leaves the rest', () => {
    const value = {
      [OUR_KEY]: [`x ${THEIR_KEY}.`, { deep: `${SECRETS[0]}!` }],
      n: 1,
      csk_: 'csk_short sk-ant-',
    };
    expect(redactor.value(value)).toEqual({
      '[redacted]': ['x [redacted].', { deep: '[redacted]!' }],
      n: 1,
      csk_: 'csk_short sk-ant-',
    });
  });

  it('finds a secret however the stream is cut, and changes nothing else', async () => {
    const word = fc.constantFrom(
      ...SECRETS,
      OUR_KEY,
      THEIR_KEY,
      'cs',
      'sk-',
      'aaaa',
      'the-model',
      ' plain text ',
      '\n',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { maxLength: 8 }),
        fc.array(fc.nat(300), { maxLength: 12 }),
        async (words, cuts) => {
          const whole = words.join(' ');
          const at = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
          const pieces = at.slice(1).map((end, index) => text(whole.slice(at[index], end)));
          expect(joined((await streamed(pieces)).out)).toBe(redactor.text(whole));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('passes text on at once when it is not the beginning of a secret', async () => {
    expect((await streamed([text('hello '), text('world ')])).out).toEqual([text('hello '), text('world ')]);
  });

  it('lets text that only began like a secret out with the next event of another kind', async () => {
    const use = {
      type: 'agent.tool_use' as const,
      data: { id: '1', name: 'Bash', input: { command: SECRETS[0] } },
    };
    const { out } = await streamed([text('see csk_'), use, text('x')] as (TextEvent | typeof use)[]);
    expect(out).toEqual([
      text('see '),
      text('csk_'),
      { ...use, data: { ...use.data, input: { command: '[redacted]' } } },
      text('x'),
    ]);
  });

  it('redacts the outcome', async () => {
    expect((await streamed([], { text: `it is ${OUR_KEY}` })).outcome).toEqual({ text: 'it is [redacted]' });
  });

  it('lets the engine clean up when its reader stops, and passes its errors on', async () => {
    const cleaned = jest.fn();
    async function* engine(): AsyncGenerator<TextEvent, void, void> {
      try {
        yield text('one ');
        throw new Error('broke');
      } finally {
        cleaned();
      }
    }
    const left = redactEvents(engine(), redactor);
    await left.next();
    await left.return();
    expect(cleaned).toHaveBeenCalledTimes(1);
    await expect(Array.fromAsync(redactEvents(engine(), redactor))).rejects.toThrow('broke');
    expect(cleaned).toHaveBeenCalledTimes(2);
  });
});
