import { clampOutput, type MessagesRequest, parseMessagesRequest } from './messages-request.js';

const models = ['claude-sonnet-5-5'];
const request = (rest: object): MessagesRequest => ({ model: 'claude-sonnet-5-5', ...rest });

describe('parseMessagesRequest', () => {
  const parse = (body: unknown) => parseMessagesRequest(Buffer.from(JSON.stringify(body)), models);

  it('keeps every field, known or not', () => {
    const body = request({
      max_tokens: 5,
      messages: [{ role: 'user', content: 'hi' }],
      later_field: { deep: [1] },
    });
    expect(parse(body)).toEqual(body);
  });

  it('knows a model by its dated id', () => {
    expect(parse({ model: 'claude-sonnet-5-5-20260922' }).model).toBe('claude-sonnet-5-5-20260922');
  });

  it.each([
    [{ model: 'claude-sonnet-5' }],
    [{ model: 'claude-sonnet-5-55' }],
    [{ model: 'xclaude-sonnet-5-5' }],
  ])('refuses a model that is not offered: %j', (body) => expect(() => parse(body)).toThrow(/not one of/));

  it.each([
    [{}],
    [[]],
    ['text'],
    [null],
    [{ model: 1 }],
    [{ model: 'claude-sonnet-5-5', max_tokens: -1 }],
    [{ model: 'claude-sonnet-5-5', max_tokens: '9' }],
  ])('refuses what is no request: %j', (body) =>
    expect(() => parse(body)).toThrow(expect.objectContaining({ status: 400 })),
  );
});

describe('clampOutput', () => {
  it('leaves a request alone that wants no more than it may', () => {
    const body = request({ max_tokens: 100, thinking: { type: 'enabled', budget_tokens: 99 } });
    expect(clampOutput(body, 100)).toBe(body);
  });

  it('gives a limit to a request without one', () => {
    expect(clampOutput(request({}), 100)).toEqual(request({ max_tokens: 100 }));
  });

  it('shortens thinking to half of what remains', () => {
    const body = request({
      max_tokens: 32_000,
      thinking: { type: 'enabled', budget_tokens: 31_999, display: 'updates' },
    });
    expect(clampOutput(body, 4000)).toEqual(
      request({ max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000, display: 'updates' } }),
    );
  });

  it('leaves thinking out where it no longer fits, with the context edits that need it', () => {
    const body = request({
      max_tokens: 32_000,
      thinking: { type: 'enabled', budget_tokens: 31_999 },
      context_management: {
        edits: [{ type: 'clear_thinking_20251015' }, { type: 'clear_tool_uses_20250919' }],
      },
    });
    expect(clampOutput(body, 2000)).toEqual(
      request({ max_tokens: 2000, context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } }),
    );
  });

  it('leaves adaptive thinking as it is', () => {
    const body = request({ max_tokens: 32_000, thinking: { type: 'adaptive' } });
    expect(clampOutput(body, 10)).toEqual({ ...body, max_tokens: 10 });
  });
});
