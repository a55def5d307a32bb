/** Reads the tokens off answers of OpenAI's Chat Completions and Responses. */
import { z } from 'zod';
import { type AnswerReader, parseJson, type Tally, tokenCount } from '../tally.js';

const error = z.object({ type: z.string().nullish(), code: z.union([z.string(), z.number()]).nullish() });

const chatUsage = z.object({
  prompt_tokens: tokenCount,
  completion_tokens: tokenCount,
  prompt_tokens_details: z.object({ cached_tokens: tokenCount }).nullish(),
});
const spoken = z.object({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  tool_calls: z
    .array(z.object({ function: z.object({ arguments: z.string().nullish() }).nullish() }))
    .nullish(),
});
const chunk = z.object({
  model: z.string().nullish(),
  choices: z.array(z.object({ delta: spoken.nullish() })).nullish(),
  usage: chatUsage.nullish(),
  error: error.nullish(),
});
const completion = z.object({ model: z.string(), usage: chatUsage.nullish(), choices: z.array(z.unknown()) });

export const chatReader: AnswerReader = {
  event(data, tally) {
    if (data === '[DONE]') {
      tally.complete = true;
      return;
    }
    const parsed = chunk.safeParse(parseJson(data));
    if (!parsed.success) return;
    const { model, choices, usage, error: failed } = parsed.data;
    tally.model ??= model ?? undefined;
    for (const { delta } of choices ?? []) {
      const { content, reasoning_content: thought, tool_calls: calls } = delta ?? {};
      const written = (calls ?? []).map((call) => call.function?.arguments ?? '');
      tally.deltaChars += [content ?? '', thought ?? '', ...written].join('').length;
    }
    if (usage) takeChat(usage, tally);
    if (failed) tally.errorType = nameOf(failed);
  },

  whole(body, tally) {
    const parsed = completion.safeParse(parseJson(body));
    if (!parsed.success) return;
    tally.model = parsed.data.model;
    tally.complete = true;
    // Some services tell none: better too much than nothing.
    tally.deltaChars = body.length;
    if (parsed.data.usage) takeChat(parsed.data.usage, tally);
  },
};

const response = z.object({
  model: z.string(),
  status: z.string().nullish(),
  error: error.nullish(),
  usage: z
    .object({
      input_tokens: tokenCount,
      output_tokens: tokenCount,
      input_tokens_details: z.object({ cached_tokens: tokenCount }).nullish(),
    })
    .nullish(),
});
const responseEvent = z.object({
  type: z.string(),
  delta: z.string().optional().catch(undefined),
  response: response.optional().catch(undefined),
});
/** Types of the events with which a stream ends; `incomplete` is cut at its largest length, and whole as such. */
const ENDS: readonly string[] = ['response.completed', 'response.incomplete'];

export const responsesReader: AnswerReader = {
  event(data, tally) {
    const parsed = responseEvent.safeParse(parseJson(data));
    if (!parsed.success) return;
    const { type, delta, response: told } = parsed.data;
    tally.deltaChars += delta?.length ?? 0;
    if (told) takeResponse(told, tally);
    if (ENDS.includes(type)) tally.complete = true;
    if (type === 'error') tally.errorType = nameOf(error.safeParse(parseJson(data)).data ?? {});
  },

  whole(body, tally) {
    const parsed = response.safeParse(parseJson(body));
    if (!parsed.success) return;
    tally.complete = true;
    tally.deltaChars = body.length;
    takeResponse(parsed.data, tally);
  },
};

function takeChat(
  { prompt_tokens: prompt, completion_tokens: output, ...rest }: z.infer<typeof chatUsage>,
  tally: Tally,
) {
  take(tally, prompt, rest.prompt_tokens_details?.cached_tokens, output);
}

function takeResponse({ model, status, error: failed, usage }: z.infer<typeof response>, tally: Tally): void {
  tally.model = model;
  if (usage) take(tally, usage.input_tokens, usage.input_tokens_details?.cached_tokens, usage.output_tokens);
  if (status === 'failed') tally.errorType = nameOf(failed ?? {});
}

/** The prompt's tokens are told with those that were read from the cache. */
function take({ tokens }: Tally, prompt: Count, cached: Count, output: Count): void {
  tokens.cacheReadTokens = cached ?? tokens.cacheReadTokens;
  if (prompt !== undefined) tokens.inputTokens = Math.max(0, prompt - tokens.cacheReadTokens);
  tokens.outputTokens = output ?? tokens.outputTokens;
}
type Count = z.infer<typeof tokenCount>;

const nameOf = ({ type, code }: z.infer<typeof error>): string => String(code ?? type ?? 'error');
