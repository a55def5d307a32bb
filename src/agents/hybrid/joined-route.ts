/** Two ways to the model, one after the other, as one: with the sums of both and what is left of the tokens. */
import type {
  ModelRoute,
  ModelRouteUse,
  RouteFailure,
  TokenUsage,
  UsageByModel,
} from '../../model-gateway/model-gateway.js';
import { added } from '../../model-gateway/usage-ledger.js';

export class JoinedRoute implements ModelRoute {
  private use?: ModelRouteUse;
  private before: UsageByModel = {};

  constructor(private current: ModelRoute) {}

  get socketPath(): string {
    return this.current.socketPath;
  }

  bind(use: ModelRouteUse): void {
    this.use = use;
    this.bindCurrent(use);
  }

  /** From now on it is this one, on behalf of the same execution. */
  moveTo(next: ModelRoute): void {
    this.before = this.usage();
    this.current = next;
    if (this.use !== undefined) this.bindCurrent(this.use);
  }

  usage(): UsageByModel {
    return sum(this.before, this.current.usage());
  }

  failure(): RouteFailure | undefined {
    return this.current.failure();
  }

  close(): Promise<void> {
    return this.current.close();
  }

  private bindCurrent(use: ModelRouteUse): void {
    const { before } = this;
    const spent = Object.values(before).reduce((all, { outputTokens }) => all + outputTokens, 0);
    const limit = use.maxOutputTokens;
    this.current.bind({
      ...use,
      ...(limit === undefined ? {} : { maxOutputTokens: Math.max(0, limit - spent) }),
      onUsage: (usage) => use.onUsage?.(sum(before, usage)),
    });
  }
}

export function sum(one: UsageByModel, other: UsageByModel): UsageByModel {
  const sums: Record<string, TokenUsage> = { ...one };
  for (const [model, usage] of Object.entries(other)) sums[model] = added(sums[model], usage);
  return sums;
}
