import type { ModelRoute, ModelRouteUse, UsageByModel } from '../../model-gateway/model-gateway.js';
import { JoinedRoute } from './joined-route.js';

const tokens = (outputTokens: number, costUsd?: number) => ({
  inputTokens: 1,
  outputTokens,
  cacheCreationTokens: 2,
  cacheReadTokens: 3,
  ...(costUsd === undefined ? {} : { costUsd }),
});

/** A route that says what it was bound to. */
function routeOf(usage: UsageByModel): ModelRoute & { use?: ModelRouteUse } {
  return {
    socketPath: '/s',
    bind(use) {
      this.use = use;
    },
    usage: () => usage,
    failure: () => undefined,
    close: () => Promise.resolve(),
  };
}

describe('two ways to the model as one', () => {
  it('have one sum and one budget', () => {
    const [first, second] = [routeOf({ a: tokens(10, 1) }), routeOf({ a: tokens(5, 2), b: tokens(7) })];
    const joined = new JoinedRoute(first);
    const seen: UsageByModel[] = [];
    joined.bind({ executionId: 'x', maxOutputTokens: 15, onUsage: (usage) => seen.push(usage) });
    joined.moveTo(second);
    expect(first.use?.maxOutputTokens).toBe(15);
    expect(second.use).toMatchObject({ executionId: 'x', maxOutputTokens: 5 });
    second.use?.onUsage?.(second.usage());
    expect(seen).toEqual([joined.usage()]);
    expect(joined.usage()).toEqual({
      a: { inputTokens: 2, outputTokens: 15, cacheCreationTokens: 4, cacheReadTokens: 6, costUsd: 3 },
      b: tokens(7),
    });
  });

  it('leave nothing where the first has used it up', () => {
    const second = routeOf({});
    const joined = new JoinedRoute(routeOf({ a: tokens(20) }));
    joined.bind({ executionId: 'x', maxOutputTokens: 15 });
    joined.moveTo(second);
    expect(second.use?.maxOutputTokens).toBe(0);
  });
});
