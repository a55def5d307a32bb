/** Sums of tokens and cost by model id over one route. */
import type { TokenCounts } from './answer-meter.js';
import type { TokenUsage, UsageByModel } from './model-gateway.js';
import { costUsd } from './pricing.js';

export class UsageLedger {
  private readonly byModel = new Map<string, TokenUsage>();

  add(model: string, tokens: TokenCounts): void {
    const before = this.byModel.get(model);
    const cost = costUsd(model, tokens);
    this.byModel.set(model, {
      inputTokens: (before?.inputTokens ?? 0) + tokens.inputTokens,
      outputTokens: (before?.outputTokens ?? 0) + tokens.outputTokens,
      cacheCreationTokens: (before?.cacheCreationTokens ?? 0) + tokens.cacheCreationTokens,
      cacheReadTokens: (before?.cacheReadTokens ?? 0) + tokens.cacheReadTokens,
      ...(cost === undefined ? {} : { costUsd: (before?.costUsd ?? 0) + cost }),
    });
  }

  /** A copy that later answers don't change. */
  sums(): UsageByModel {
    return Object.fromEntries([...this.byModel].map(([model, usage]) => [model, { ...usage }]));
  }
}
