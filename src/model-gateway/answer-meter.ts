/** Reads the tokens off one answer of a model while it passes: an event stream or one JSON object. */
import { createParser } from 'eventsource-parser';
import { CHARS_PER_TOKEN } from './chars-per-token.js';
import type { AnswerReader, Tally } from './tally.js';

export type MeteredAnswer = Omit<Tally, 'deltaChars'>;

/**
 * An answer whose event or whole JSON is larger than this many bytes is not metered but refused: 128 k tokens are half a
 * megabyte. Claude Code takes seconds for each event of 16 MiB, so an endless one would only end by the time limit.
 */
const MAX_BUFFERED = 4 * 1024 * 1024;

export class AnswerMeter {
  private readonly tally: Tally = {
    tokens: {
      inputTokens: 0,
      outputTokens: 0,
      cacheCreationTokens: 0,
      cacheCreation1hTokens: 0,
      cacheReadTokens: 0,
    },
    complete: false,
    deltaChars: 0,
  };
  private readonly decoder = new TextDecoder();
  private readonly parser?: ReturnType<typeof createParser>;
  private json = '';

  constructor(
    kind: 'events' | 'json',
    private readonly reader: AnswerReader,
  ) {
    if (kind === 'events')
      this.parser = createParser({
        maxBufferSize: MAX_BUFFERED,
        onEvent: ({ data }) => reader.event(data, this.tally),
      });
  }

  /** @throws Error when an event or the JSON is too large to be metered */
  feed(chunk: Uint8Array): void {
    const text = this.decoder.decode(chunk, { stream: true });
    if (this.parser !== undefined) {
      this.parser.feed(text);
      return;
    }
    this.json += text;
    if (this.json.length > MAX_BUFFERED) throw new Error('the answer is too large to be metered');
  }

  /**
   * The sums. Of an answer that was cut, or that tells no counts as some services do not, the output is at least what a
   * count of its characters suggests.
   */
  result(): MeteredAnswer {
    if (this.parser === undefined) this.reader.whole(this.json, this.tally);
    const { tokens, model, complete, errorType, deltaChars } = this.tally;
    const told = complete && tokens.outputTokens > 0;
    const outputTokens = told
      ? tokens.outputTokens
      : Math.max(tokens.outputTokens, Math.ceil(deltaChars / CHARS_PER_TOKEN));
    return { model, tokens: { ...tokens, outputTokens }, complete, errorType };
  }
}
