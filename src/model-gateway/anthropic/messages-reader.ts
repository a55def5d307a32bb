/** Reads the tokens off an answer of the Messages API. */
import { z } from 'zod';
import { type AnswerReader, parseJson, type Tally, tokenCount } from '../tally.js';

const usage = z.object({
  input_tokens: tokenCount,
  output_tokens: tokenCount,
  cache_creation_input_tokens: tokenCount,
  cache_read_input_tokens: tokenCount,
  cache_creation: z.object({ ephemeral_1h_input_tokens: tokenCount }).nullish(),
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

export const messagesReader: AnswerReader = {
  event(data, tally) {
    const parsed = event.safeParse(parseJson(data));
    // Other types (ping, content_block_start, later ones) carry no tokens; rubbish is for the agent to refuse.
    if (!parsed.success) return;
    switch (parsed.data.type) {
      case 'message_start':
        tally.model = parsed.data.message.model;
        take(parsed.data.message.usage, tally);
        return;
      case 'content_block_delta': {
        const { text, thinking, partial_json } = parsed.data.delta;
        tally.deltaChars += (text ?? thinking ?? partial_json ?? '').length;
        return;
      }
      case 'message_delta':
        take(parsed.data.usage, tally);
        return;
      case 'message_stop':
        tally.complete = true;
        return;
      case 'error':
        tally.errorType = parsed.data.error.type;
    }
  },

  whole(body, tally) {
    const parsed = message.safeParse(parseJson(body));
    if (!parsed.success) return;
    tally.model = parsed.data.model;
    tally.complete = true;
    take(parsed.data.usage, tally);
  },
};

/** Counts on the wire are sums so far, so a later one replaces an earlier one. */
function take(seen: z.infer<typeof usage>, { tokens }: Tally): void {
  tokens.inputTokens = seen.input_tokens ?? tokens.inputTokens;
  tokens.outputTokens = seen.output_tokens ?? tokens.outputTokens;
  tokens.cacheCreationTokens = seen.cache_creation_input_tokens ?? tokens.cacheCreationTokens;
  tokens.cacheReadTokens = seen.cache_read_input_tokens ?? tokens.cacheReadTokens;
  tokens.cacheCreation1hTokens =
    seen.cache_creation?.ephemeral_1h_input_tokens ?? tokens.cacheCreation1hTokens;
}
