import { accountOf } from './execution-response.js';

const tokens = (inputTokens: number, outputTokens: number, costUsd?: number) => ({
  inputTokens,
  outputTokens,
  cacheCreationTokens: 1,
  cacheReadTokens: 2,
  costUsd,
});

describe('the account of an execution', () => {
  it('adds up every kind of token and every cost, and names the model that wrote most', () => {
    expect(accountOf({ small: tokens(10, 1, 0.5), large: tokens(20, 9, 1.25) }, 'asked')).toEqual({
      tokensUsed: 46,
      model: 'large',
      costUsd: 1.75,
    });
  });

  it('claims no cost for a model whose price is unknown', () => {
    expect(accountOf({ odd: tokens(1, 1) }, 'asked')).not.toHaveProperty('costUsd');
    expect(accountOf({ odd: tokens(1, 1), known: tokens(1, 1, 0.5) }, 'asked')).not.toHaveProperty('costUsd');
  });

  it('names the model that was asked for when none answered', () => {
    expect(accountOf({}, 'asked')).toEqual({ tokensUsed: 0, model: 'asked' });
  });
});
