import fc from 'fast-check';
import { lineRedactor } from './redact-line.js';

describe('lineRedactor', () => {
  it('leaves valid JSON without the secret, whatever the secret and its surroundings', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 8, unit: 'binary' }),
        fc.string(),
        fc.string(),
        (secret, before, after) => {
          fc.pre(!'[redacted]'.includes(secret));
          const line = lineRedactor([secret])(JSON.stringify({ msg: before + secret + after }));
          expect(JSON.stringify(JSON.parse(line))).not.toContain(JSON.stringify(secret).slice(1, -1));
        },
      ),
    );
  });

  it('takes the longer of two secrets that overlap', () => {
    expect(lineRedactor(['secret', 'secret-and-more'])('x secret-and-more y')).toBe('x [redacted] y');
  });
});
