import { Config } from '../config/config.js';
import { costUsd, modelName } from './pricing.js';

const million = {
  inputTokens: 0,
  outputTokens: 0,
  cacheCreationTokens: 0,
  cacheCreation1hTokens: 0,
  cacheReadTokens: 0,
};

describe('pricing', () => {
  it.each([
    ['input', { ...million, inputTokens: 1e6 }, 3],
    ['output', { ...million, outputTokens: 1e6 }, 15],
    ['cache read', { ...million, cacheReadTokens: 1e6 }, 0.3],
    ['cache write for five minutes', { ...million, cacheCreationTokens: 1e6 }, 3.75],
    ['cache write for an hour', { ...million, cacheCreationTokens: 1e6, cacheCreation1hTokens: 1e6 }, 6],
  ])('prices a million tokens of %s of claude-sonnet-4-5', (_, tokens, dollars) => {
    expect(costUsd('claude-sonnet-4-5', tokens)).toBeCloseTo(dollars, 10);
    expect(costUsd('claude-sonnet-4-5-20250929', tokens)).toBeCloseTo(dollars, 10);
  });

  it('prices a long prompt of a model with two price bands higher, cache included', () => {
    const long = { ...million, inputTokens: 100_000, cacheReadTokens: 1 };
    expect(costUsd('claude-haiku-5-5', { ...million, inputTokens: 100_000 })).toBeCloseTo(0.01, 10);
    expect(costUsd('claude-haiku-5-5', long)).toBeCloseTo(0.05 + 0.05e-6, 10);
  });

  it('costs nothing in rehearsal, and is unknown for an unknown model', () => {
    expect(costUsd('rehearsal', { ...million, outputTokens: 1e6 })).toBe(0);
    expect(costUsd('some-model', { ...million, outputTokens: 1e6 })).toBeUndefined();
  });

  it('knows every model that is offered by default', () => {
    for (const model of Config.from({}).values.CLAUDE_CODE_MODELS) expect(costUsd(model, million)).toBe(0);
  });

  it('names a model without its date and marks', () => {
    expect(modelName('claude-haiku-4-5-20251001')).toBe('claude-haiku-4-5');
    expect(modelName('claude-sonnet-5-5[1m]')).toBe('claude-sonnet-5-5');
    expect(modelName('claude-3-5-haiku-latest')).toBe('claude-3-5-haiku');
    expect(modelName('claude-opus-5')).toBe('claude-opus-5');
  });
});
