import { assertPlainJson, MAX_DEPTH, MAX_FIELDS, MAX_VALUES } from './plain-json.js';

const nested = (levels: number, wrap: (inner: unknown) => unknown): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = wrap(value);
  return value;
};

describe('assertPlainJson', () => {
  it.each([null, 7, 'text', [], {}, { a: [{ b: null }] }, nested(MAX_DEPTH, (inner) => ({ inner }))])(
    'lets %# through',
    (value) => expect(() => assertPlainJson(value)).not.toThrow(),
  );

  it.each([
    ['objects', nested(MAX_DEPTH + 1, (inner) => ({ inner }))],
    ['arrays', nested(1_000_000, (inner) => [inner])],
  ])('refuses %s nested too deep, however deep', (_, value) => {
    expect(() => assertPlainJson(value)).toThrow(expect.objectContaining({ code: 'E003' }));
  });

  it.each(['__proto__', 'constructor', 'prototype'])('refuses the key %s, naming where it stands', (key) => {
    const value: unknown = JSON.parse(`{"a":[{"${key}":{}}]}`);
    expect(() => assertPlainJson(value)).toThrow(
      expect.objectContaining({ details: [{ field: `a.0.${key}`, problem: 'must not be given' }] }),
    );
  });

  it('refuses more values than it takes, in one place or in many', () => {
    const list = Array.from({ length: MAX_VALUES - 1 }, (_, index) => index);
    expect(() => assertPlainJson({ list })).not.toThrow();
    for (const wide of [{ list, one: 1, more: 2 }, [list, list], { a: list, b: [1] }])
      expect(() => assertPlainJson(wide)).toThrow(
        expect.objectContaining({
          details: [{ field: expect.any(String), problem: expect.stringContaining('10000') }],
        }),
      );
  });

  it('refuses an object with more fields than any of ours has', () => {
    const fields = Object.fromEntries(Array.from({ length: MAX_FIELDS }, (_, index) => [`k${index}`, 1]));
    expect(() => assertPlainJson({ fields })).not.toThrow();
    expect(() => assertPlainJson({ fields: { ...fields, more: 1 } })).toThrow(
      expect.objectContaining({ details: [{ field: 'fields', problem: expect.stringContaining('200') }] }),
    );
  });

  it('does not look into bytes', () => {
    expect(() => assertPlainJson({ file: new Uint8Array(1_000_000) })).not.toThrow();
  });
});
