/** What is counted of one answer while it passes, and how a wire format is read for it. */
import { z } from 'zod';

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

export interface Tally {
  tokens: TokenCounts;
  /** As the answer names it; undefined when it did not get that far. */
  model?: string;
  /** True when the answer came to its proper end. */
  complete: boolean;
  /** The provider's word for an error inside the stream. */
  errorType?: string;
  /** Characters of what was said so far: all that is known of an answer that is cut before its counts. */
  deltaChars: number;
}

/** Reads one wire format. What it does not know is left to the agent; it throws nothing. */
export interface AnswerReader {
  /** @param data of one event of a stream */
  event(data: string, tally: Tally): void;
  /** @param body the whole JSON of an answer that is no stream */
  whole(body: string, tally: Tally): void;
}

/** A count of tokens as services tell it: it may be missing, or null. */
export const tokenCount = z
  .number()
  .int()
  .nonnegative()
  .nullish()
  .transform((value) => value ?? undefined);

/** The value, or undefined when it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
