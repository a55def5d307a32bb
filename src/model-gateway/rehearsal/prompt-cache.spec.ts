import { messagesRequest } from './conversation.js';
import { PromptCache } from './prompt-cache.js';

const MARK = { cache_control: { type: 'ephemeral' } };
const long = (letter: string) => letter.repeat(6000);
const request = (...blocks: object[]) =>
  messagesRequest.parse({ model: 'm', messages: [{ role: 'user', content: blocks }] });
const block = (text: string, mark = {}) => ({ type: 'text', text, ...mark });

describe('the prompt cache of the stand-in', () => {
  it('writes what is marked, and reads it where a later request begins alike', () => {
    const cache = new PromptCache();
    const first = cache.account(request(block(long('a'), MARK), block('end')), 2000);
    expect(first.written).toBeGreaterThan(1400);
    expect(first).toMatchObject({ read: 0, fresh: 2000 - first.written });
    const second = cache.account(request(block(long('a')), block(long('b'), MARK)), 4000);
    expect(second.read).toBe(first.written);
    expect(second.written).toBeGreaterThan(1400);
    expect(second.read + second.written + second.fresh).toBe(4000);
  });

  it('finds nothing where the beginning differs, the time is over, or it was too short to be kept', () => {
    const cache = new PromptCache();
    cache.account(request(block(long('a'), MARK)), 2000, 0);
    expect(cache.account(request(block(long('b'), MARK)), 2000, 1).read).toBe(0);
    expect(cache.account(request(block(long('a'), MARK)), 2000, 300_001).read).toBe(0);
    expect(cache.account(request(block('short', MARK)), 2000, 1)).toEqual({
      fresh: 2000,
      written: 0,
      read: 0,
    });
  });
});
