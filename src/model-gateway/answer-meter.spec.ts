import fc from 'fast-check';
import { AnswerMeter } from './answer-meter.js';
import { messagesReader } from './anthropic/messages-reader.js';

const event = (type: string, data: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
const start = event('message_start', {
  message: {
    model: 'claude-sonnet-5-5',
    usage: {
      input_tokens: 12,
      output_tokens: 1,
      cache_creation_input_tokens: 5,
      cache_read_input_tokens: 7,
      cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 2 },
    },
  },
});
const delta = (text: string) =>
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
const end =
  event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 40 } }) +
  event('message_stop', {});
const whole = `: comment\r\n\r\n${start}${event('ping', {})}${delta('grüße 🐳 "data: "')}${end}`;
const counts = {
  inputTokens: 12,
  outputTokens: 40,
  cacheCreationTokens: 5,
  cacheCreation1hTokens: 2,
  cacheReadTokens: 7,
};

function meter(kind: 'events' | 'json', ...chunks: (string | Uint8Array)[]) {
  const answer = new AnswerMeter(kind, messagesReader);
  for (const chunk of chunks) answer.feed(Buffer.from(chunk));
  return answer.result();
}

describe('AnswerMeter', () => {
  it('counts the same however the bytes are split', () => {
    const bytes = Buffer.from(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
        expect(meter('events', ...chunks)).toEqual({
          model: 'claude-sonnet-5-5',
          tokens: counts,
          complete: true,
        });
      }),
    );
  });

  it('takes later counts as sums so far, not as additions', () => {
    const twice = event('message_delta', { delta: {}, usage: { output_tokens: 15 } });
    expect(meter('events', start, twice, twice, end).tokens.outputTokens).toBe(40);
  });

  it('counts an answer that was cut by what came of it', () => {
    const { tokens, complete } = meter(
      'events',
      start,
      delta('x'.repeat(400)),
      delta('y'.repeat(400)).slice(0, 30),
    );
    expect(complete).toBe(false);
    expect(tokens).toMatchObject({ inputTokens: 12, outputTokens: 100 });
  });

  it('names an error event inside the stream', () => {
    expect(meter('events', start, event('error', { error: { type: 'overloaded_error' } })).errorType).toBe(
      'overloaded_error',
    );
  });

  it('reads a plain JSON answer', () => {
    const json = JSON.stringify({ model: 'claude-haiku-4-5', usage: { input_tokens: 3, output_tokens: 4 } });
    expect(meter('json', json.slice(0, 20), json.slice(20))).toMatchObject({
      model: 'claude-haiku-4-5',
      tokens: { inputTokens: 3, outputTokens: 4, cacheReadTokens: 0 },
      complete: true,
    });
  });

  it('finds nothing in rubbish, and does not fall over it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('events' as const, 'json' as const),
        fc.uint8Array({ maxLength: 200 }),
        (kind, bytes) => {
          expect(meter(kind, bytes)).toMatchObject({
            complete: false,
            tokens: { inputTokens: 0, outputTokens: 0 },
          });
        },
      ),
    );
    expect(meter('events', 'data: {"type":"message_start","message":{"model":1}}\n\n').model).toBeUndefined();
  });

  it('refuses what is too large to be metered, rather than letting it pass unmetered', () => {
    const large = 'x'.repeat(17 * 1024 * 1024);
    expect(() => meter('json', large)).toThrow(/too large/);
    expect(() => meter('events', `data: ${large}`, 'more')).toThrow();
  });
});
