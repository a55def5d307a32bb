/** Reads the tokens off an answer of the Gemini API. */
import { z } from 'zod';
import { type AnswerReader, parseJson, type Tally, tokenCount } from '../tally.js';

const answer = z.object({
  modelVersion: z.string().nullish(),
  candidates: z
    .array(
      z.object({
        finishReason: z.string().nullish(),
        content: z
          .object({
            parts: z
              .array(z.looseObject({ text: z.string().nullish(), functionCall: z.unknown().optional() }))
              .nullish(),
          })
          .nullish(),
      }),
    )
    .nullish(),
  promptFeedback: z.object({ blockReason: z.string().nullish() }).nullish(),
  usageMetadata: z
    .object({
      promptTokenCount: tokenCount,
      candidatesTokenCount: tokenCount,
      thoughtsTokenCount: tokenCount,
      cachedContentTokenCount: tokenCount,
    })
    .nullish(),
  error: z.object({ status: z.string().nullish() }).nullish(),
});

export const geminiReader: AnswerReader = {
  event: take,
  whole: take,
};

/** Each event of a stream has the form of a whole answer; its counts are sums so far. */
function take(json: string, tally: Tally): void {
  const parsed = answer.safeParse(parseJson(json));
  if (!parsed.success) return;
  const { modelVersion, candidates, promptFeedback, usageMetadata, error } = parsed.data;
  tally.model ??= modelVersion ?? undefined;
  for (const { finishReason, content } of candidates ?? []) {
    if (finishReason) tally.complete = true;
    for (const { text, functionCall } of content?.parts ?? [])
      tally.deltaChars +=
        (text ?? '').length + (functionCall === undefined ? 0 : JSON.stringify(functionCall).length);
  }
  if (promptFeedback?.blockReason) tally.complete = true;
  if (error) tally.errorType = error.status ?? 'error';
  if (!usageMetadata) return;
  const { tokens } = tally;
  const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount, cachedContentTokenCount } =
    usageMetadata;
  tokens.cacheReadTokens = cachedContentTokenCount ?? tokens.cacheReadTokens;
  // The prompt's tokens are told with those that were read from the cache.
  if (promptTokenCount !== undefined)
    tokens.inputTokens = Math.max(0, promptTokenCount - tokens.cacheReadTokens);
  const output = (candidatesTokenCount ?? 0) + (thoughtsTokenCount ?? 0);
  if (output > 0) tokens.outputTokens = output;
}
