/** What tokens cost: one table, from the published price list https://platform.claude.com/docs/en/about-claude/pricing. */
import type { TokenCounts } from './tally.js';

/** US dollars per million tokens. */
interface Price {
  input: number;
  output: number;
  cacheRead: number;
  /** Prices of a request whose whole prompt (input, cache read and written) is longer than `above` tokens. */
  longPrompt?: { above: number; input: number; output: number; cacheRead: number };
}

/** Writing to the prompt cache costs these times the input price, by how long the entry lives. */
const CACHE_WRITE_5M = 1.25;
const CACHE_WRITE_1H = 2;

/**
 * Everything that is asked through the batch endpoint costs half, input, output and cache alike: "All usage is charged at 50%
 * of the standard API prices", https://platform.claude.com/docs/en/build-with-claude/batch-processing#pricing.
 */
export const BATCH_PRICE = 0.5;

const FABLE = { input: 10, output: 50 };
const OPUS_4_5 = { input: 5, output: 25, cacheRead: 0.5 };
const OPUS_4 = { input: 15, output: 75, cacheRead: 1.5 };
const SONNET_4 = { input: 3, output: 15, cacheRead: 0.3 };

/** By model id without its date; as listed in October 2026. */
const PRICES = new Map<string, Price>([
  ['claude-fable-5-1', { ...FABLE, cacheRead: 0.25 }],
  ['claude-fable-5', { ...FABLE, cacheRead: 1 }],
  ['claude-opus-5-5', { input: 4, output: 20, cacheRead: 0.2 }],
  ['claude-opus-5', OPUS_4_5],
  ['claude-opus-4-8', OPUS_4_5],
  ['claude-opus-4-7', OPUS_4_5],
  ['claude-opus-4-6', OPUS_4_5],
  ['claude-opus-4-5', OPUS_4_5],
  ['claude-opus-4-1', OPUS_4],
  ['claude-opus-4', OPUS_4],
  ['claude-sonnet-5-5', { input: 2, output: 10, cacheRead: 0.1 }],
  ['claude-sonnet-5', { input: 2, output: 10, cacheRead: 0.2 }],
  ['claude-sonnet-4-6', SONNET_4],
  ['claude-sonnet-4-5', SONNET_4],
  ['claude-sonnet-4', SONNET_4],
  [
    'claude-haiku-5-5',
    {
      input: 0.1,
      output: 0.5,
      cacheRead: 0.01,
      longPrompt: { above: 100_000, input: 0.5, output: 2.5, cacheRead: 0.05 },
    },
  ],
  ['claude-haiku-4-5', { input: 1, output: 5, cacheRead: 0.1 }],
  ['claude-3-5-haiku', { input: 0.8, output: 4, cacheRead: 0.08 }],
  ['rehearsal', { input: 0, output: 0, cacheRead: 0 }],
]);

/** The model id without date (`-20250929`), `-latest` and context marks (`[1m]`): its name in lists of models. */
export function modelName(id: string): string {
  return id.replace(/(-\d{8}|-latest)?(\[\w+\])?$/, '');
}

/** US dollars of one answer; undefined when the model has no known price. */
export function costUsd(model: string, tokens: TokenCounts): number | undefined {
  const listed = PRICES.get(modelName(model));
  if (listed === undefined) return undefined;
  const promptTokens = tokens.inputTokens + tokens.cacheCreationTokens + tokens.cacheReadTokens;
  const { longPrompt } = listed;
  const price = longPrompt !== undefined && promptTokens > longPrompt.above ? longPrompt : listed;
  const written1h = tokens.cacheCreation1hTokens;
  const written5m = tokens.cacheCreationTokens - written1h;
  const dollars =
    tokens.inputTokens * price.input +
    tokens.outputTokens * price.output +
    tokens.cacheReadTokens * price.cacheRead +
    (written5m * CACHE_WRITE_5M + written1h * CACHE_WRITE_1H) * price.input;
  return dollars / 1_000_000;
}
