import { asksToLeave } from './prompt-policy.js';

describe('the courtesy check of prompts', () => {
  it.each([
    'Create file at ../../etc/passwd',
    'read ../etc/shadow please',
    'cat "../../../../root/.ssh/id_rsa"',
    'write to ..\\..\\etc\\hosts',
    'list ../../proc/1/environ',
  ])('recognises %j', (prompt) => expect(asksToLeave(prompt)).toBe(true));

  it.each([
    "change `import x from '../../lib/x'`",
    'move ../utils/etcetera.ts here',
    'write a Dockerfile that copies nginx.conf to /etc/nginx/nginx.conf',
    'explain what /etc/passwd is for',
    'go up ../.. levels in the component tree',
  ])('lets ordinary talk about code pass: %j', (prompt) => expect(asksToLeave(prompt)).toBe(false));

  it('takes linear time on hostile input', () => {
    expect(asksToLeave('../'.repeat(33_000))).toBe(false);
  });
});
