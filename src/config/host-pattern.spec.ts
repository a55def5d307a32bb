import fc from 'fast-check';
import { hostName, hostPattern, isNamedBy } from './host-pattern.js';

describe('a host name', () => {
  it.each([
    ['GitHub.COM', 'github.com'],
    ['github.com.', 'github.com'],
    ['my_bucket.example.com', 'my_bucket.example.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['1and1.com', '1and1.com'],
  ])('%s is %s', (text, name) => {
    expect(hostName(text)).toEqual({ name });
  });

  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '127.1',
    '127.0.0.1.',
    'example.0x7f',
    '[::1]',
    '::1',
    '[::ffff:127.0.0.1]',
    '::ffff:7f00:1',
    'fe80::1%eth0',
  ])('%s is an address, not a name', (text) => {
    expect(hostName(text)).toEqual({ wrong: 'ip-literal' });
  });

  it.each([
    '',
    '.',
    '..',
    'a..com',
    '.github.com',
    'github.com..',
    'evil.com\0.github.com',
    'github.com\r\nHost: evil.com',
    'github.com ',
    'git hub.com',
    'user@github.com',
    'github.com@evil.com',
    'github.com/',
    'github.com?x',
    'github.com#x',
    'github%2ecom',
    'github。com',
    'ｇithub.com',
    'github.com\u202E',
    `${'a'.repeat(64)}.com`,
    `${'a.'.repeat(130)}com`,
  ])('%j is refused', (text) => {
    expect(hostName(text)).toEqual({ wrong: 'malformed' });
  });

  it('has one spelling: what is taken is taken again as the same, whatever was given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.domain(), fc.string(), fc.ipV4Extended(), fc.ipV6()), (text) => {
        const given = hostName(text);
        if (!('name' in given)) return;
        expect(hostName(given.name)).toEqual(given);
        expect(given.name).toMatch(/^[a-z0-9._-]+$/);
        // What URL parsers make of it is the same name, and no address.
        expect(new URL(`https://${given.name}/`).hostname).toBe(given.name);
      }),
      { numRuns: 2000 },
    );
  });

  it('is never an IP address, in whatever spelling of IPv4', () => {
    fc.assert(
      fc.property(fc.ipV4Extended(), (address) => {
        expect(hostName(address)).toEqual({ wrong: 'ip-literal' });
      }),
    );
  });
});

describe('a host pattern', () => {
  it.each([
    ['GitHub.com.', 'github.com'],
    ['*.Example.com', '*.example.com'],
    ['*.bücher.example', '*.xn--bcher-kva.example'],
    ['git.example.test', 'git.example.test'],
  ])('%s is kept as %s', (text, pattern) => {
    expect(hostPattern(text)).toBe(pattern);
  });

  it.each([
    ...['*', '*.', '**.com', '*.com', '*.co.uk', '*.github.io', '*.s3.amazonaws.com', '*.test', '*.*.com'],
    ...['g*.com', 'git.*.com', 'localhost', 'com', '10.0.0.1', '*.10.0.0.1', '[::1]', 'https://github.com'],
    ...['github.com:443', 'github.com/x', 'user@github.com', 'a b.com', 'a\0b.com', ''],
  ])('%j cannot be granted', (text) => {
    expect(hostPattern(text)).toBeUndefined();
  });
});

describe('a name and patterns', () => {
  it.each([
    ['github.com', ['github.com'], true],
    ['api.github.com', ['github.com'], false],
    ['api.github.com', ['*.github.com'], true],
    ['a.b.github.com', ['*.github.com'], true],
    ['github.com', ['*.github.com'], false],
    ['notgithub.com', ['github.com', '*.github.com'], false],
    ['github.com.evil.com', ['github.com', '*.github.com'], false],
    ['evil.com', [], false],
  ])('%s by %j: %s', (name, patterns, expected) => {
    expect(isNamedBy(name, patterns)).toBe(expected);
  });

  it('a wildcard means sub-domains and nothing else', () => {
    fc.assert(
      fc.property(fc.domain(), fc.domain(), (one, other) => {
        expect(isNamedBy(one, [`*.${other}`])).toBe(one.endsWith(`.${other}`));
        expect(isNamedBy(`${one}.${other}`, [`*.${other}`])).toBe(true);
        expect(isNamedBy(`${one}x${other}`, [`*.${other}`])).toBe(false);
      }),
    );
  });
});
