/** Sums of tokens and cost by model id over one route. */
import type { TokenCounts } from './tally.js';
import type { TokenUsage, UsageByModel } from './model-gateway.js';
import { costUsd } from './pricing.js';

export class UsageLedger {
  private readonly byModel = new Map<string, TokenUsage>();

  /** @param share of the listed price that is paid */
  add(model: string, tokens: TokenCounts, share = 1): void {
    const cost = costUsd(model, tokens);
    const usage = { ...tokens, costUsd: cost === undefined ? undefined : cost * share };
    this.byModel.set(model, added(this.byModel.get(model), usage));
  }

  /** A copy that later answers don't change. */
  sums(): UsageByModel {
    return Object.fromEntries([...this.byModel].map(([model, usage]) => [model, { ...usage }]));
  }
}

/** What one model used before and what it used then, together: it has a price or has none, whenever it is asked. */
export function added(before: TokenUsage | undefined, { costUsd, ...more }: TokenUsage): TokenUsage {
  return {
    inputTokens: (before?.inputTokens ?? 0) + more.inputTokens,
    outputTokens: (before?.outputTokens ?? 0) + more.outputTokens,
    cacheCreationTokens: (before?.cacheCreationTokens ?? 0) + more.cacheCreationTokens,
    cacheReadTokens: (before?.cacheReadTokens ?? 0) + more.cacheReadTokens,
    ...(costUsd === undefined ? {} : { costUsd: (before?.costUsd ?? 0) + costUsd }),
  };
}
