import type { ArgumentMetadata } from '@nestjs/common';
import { ID, WITHOUT_NUL } from './id.pipe.js';

const META: ArgumentMetadata = { type: 'param' };

describe('an id of a path', () => {
  it('is taken as it is', () => {
    for (const id of ['01932c5e-8f00-7000-8000-000000000000', 'unknown', '../x', '%'])
      expect(ID.transform(id, META)).toBe(id);
  });

  it('with a NUL is not found, and nobody is asked for it', () => {
    expect(() => ID.transform('a\0b', META) as unknown).toThrow(expect.objectContaining({ code: 'E009' }));
  });

  it('is told from other text of several lines', () => {
    expect(['', 'a', 'a\nb', '\0', 'a\nb\0'].map((text) => WITHOUT_NUL.test(text))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
