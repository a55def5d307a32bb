/** Reads the tokens off one answer of the Messages API while it passes: an event stream or one JSON object. */
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { CHARS_PER_TOKEN } from './chars-per-token.js';

/** Tokens of one answer. */
export interface TokenCounts {
  inputTokens: number;
  outputTokens: number;
  /** Written to the prompt cache, for five minutes or an hour. */
  cacheCreationTokens: number;
  /** Those of `cacheCreationTokens` that live for an hour, and cost more. */
  cacheCreation1hTokens: number;
  cacheReadTokens: number;
}

export interface MeteredAnswer {
  /** As the answer names it; undefined when it did not get that far. */
  model?: string;
  tokens: TokenCounts;
  /** True when the answer came to its proper end. */
  complete: boolean;
  /** `error.type` of an error event inside the stream. */
  errorType?: string;
}

/**
 * An answer whose event or whole JSON is larger than this many bytes is not metered but refused: 128 k tokens are half a
 * megabyte. Claude Code takes seconds for each event of 16 MiB, so an endless one would only end by the time limit.
 */
const MAX_BUFFERED = 4 * 1024 * 1024;

const count = z.number().int().nonnegative().nullish();
const usage = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  cache_creation: z.object({ ephemeral_1h_input_tokens: count }).nullish(),
});
const message = z.object({ model: z.string(), usage });
const event = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message_start'), message }),
  z.object({
    type: z.literal('content_block_delta'),
    delta: z.object({
      text: z.string().optional(),
      thinking: z.string().optional(),
      partial_json: z.string().optional(),
    }),
  }),
  z.object({ type: z.literal('message_delta'), usage }),
  z.object({ type: z.literal('message_stop') }),
  z.object({ type: z.literal('error'), error: z.object({ type: z.string() }) }),
]);

export class AnswerMeter {
  private readonly tokens: TokenCounts = {
    inputTokens: 0,
    outputTokens: 0,
    cacheCreationTokens: 0,
    cacheCreation1hTokens: 0,
    cacheReadTokens: 0,
  };
  private readonly decoder = new TextDecoder();
  private readonly parser?: ReturnType<typeof createParser>;
  private json = '';
  private model?: string;
  private complete = false;
  private errorType?: string;
  private deltaChars = 0;

  constructor(kind: 'events' | 'json') {
    if (kind === 'events')
      this.parser = createParser({ maxBufferSize: MAX_BUFFERED, onEvent: ({ data }) => this.onEvent(data) });
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

  /** The sums, also of an answer that was cut: then the output is at least what a count of its characters suggests. */
  result(): MeteredAnswer {
    if (this.parser === undefined) this.onJson();
    const seen = this.complete ? 0 : Math.ceil(this.deltaChars / CHARS_PER_TOKEN);
    const outputTokens = Math.max(this.tokens.outputTokens, seen);
    return {
      model: this.model,
      tokens: { ...this.tokens, outputTokens },
      complete: this.complete,
      errorType: this.errorType,
    };
  }

  private onEvent(data: string): void {
    const parsed = event.safeParse(parseJson(data));
    // Other types (ping, content_block_start, later ones) carry no tokens; rubbish is for the agent to refuse.
    if (!parsed.success) return;
    switch (parsed.data.type) {
      case 'message_start':
        this.model = parsed.data.message.model;
        {
          this.count(parsed.data.message.usage);
          return;
        }
      case 'content_block_delta': {
        const { text, thinking, partial_json } = parsed.data.delta;
        this.deltaChars += (text ?? thinking ?? partial_json ?? '').length;
        return;
      }
      case 'message_delta': {
        this.count(parsed.data.usage);
        return;
      }
      case 'message_stop':
        this.complete = true;
        return;
      case 'error':
        this.errorType = parsed.data.error.type;
    }
  }

  private onJson(): void {
    const parsed = message.safeParse(parseJson(this.json));
    if (!parsed.success) return;
    this.model = parsed.data.model;
    this.complete = true;
    this.count(parsed.data.usage);
  }

  /** Counts on the wire are sums so far, so a later one replaces an earlier one. */
  private count(seen: z.infer<typeof usage>): void {
    this.tokens.inputTokens = seen.input_tokens ?? this.tokens.inputTokens;
    this.tokens.outputTokens = seen.output_tokens ?? this.tokens.outputTokens;
    this.tokens.cacheCreationTokens = seen.cache_creation_input_tokens ?? this.tokens.cacheCreationTokens;
    this.tokens.cacheReadTokens = seen.cache_read_input_tokens ?? this.tokens.cacheReadTokens;
    this.tokens.cacheCreation1hTokens =
      seen.cache_creation?.ephemeral_1h_input_tokens ?? this.tokens.cacheCreation1hTokens;
  }
}

/** The value, or undefined when it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
