import fc from 'fast-check';
import { networkInterfaces } from 'node:os';
import { isPublic, isSameAddress } from './public-address.js';

const STRICT = { loopback: false };
const judged = (address: string) => isPublic(address, STRICT, []);

describe('an address of the public network', () => {
  it.each(['1.1.1.1', '140.82.121.4', '223.255.255.254', '2606:4700::1111', '64:ff9b::8c52:7904'])(
    '%s is one',
    (address) => {
      expect(judged(address)).toBe(true);
    },
  );

  it.each([
    ...['0.0.0.0', '0.1.2.3', '127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255'],
    ...['192.168.0.1', '169.254.169.254', '100.64.0.1', '100.100.100.200', '192.0.0.192', '192.0.2.1'],
    ...['198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255'],
    ...['240.0.0.1', '255.255.255.255', '168.63.129.16', '192.88.99.1'],
    ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1'],
    ...['::ffff:127.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '2002:7f00:1::', '2002:808:808::', '2001::1'],
    ...['64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::808:808', '2001:db8::1', '100::1', '4000::1'],
    ...['', 'localhost', '127.1.1', 'x'],
  ])('%j is none', (address) => {
    expect(judged(address)).toBe(false);
  });

  it('is not one of this host', () => {
    const own = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
    expect(own.length).toBeGreaterThan(0);
    for (const { address } of own) expect(isPublic(address, STRICT)).toBe(false);
    expect(isPublic('1.2.3.4', STRICT, ['1.2.3.4'])).toBe(false);
    expect(isPublic('64:ff9b::102:304', STRICT, ['1.2.3.4'])).toBe(false);
    expect(isPublic('2606:4700::1111', STRICT, ['2606:4700:0:0::1111'])).toBe(false);
  });

  it('is of 127.0.0.0/8 by the leave for tests only, and nothing else is by that leave', () => {
    const test = { loopback: true };
    expect(isPublic('127.77.1.2', test)).toBe(true);
    for (const address of ['::1', '::ffff:127.0.0.1', '10.0.0.1', '0.0.0.0', '169.254.169.254'])
      expect(isPublic(address, test, [])).toBe(false);
  });

  it('is never in a private network, in whatever part of it', () => {
    const octet = fc.nat(255);
    const inside = fc.oneof(
      fc.tuple(fc.constantFrom(0, 10, 127), octet, octet, octet),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
      fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
      fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
      fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), octet, octet),
      fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
    );
    fc.assert(
      fc.property(inside, (octets) => {
        const address = octets.join('.');
        const [a, b, c, d] = octets.map((value) => value.toString(16).padStart(2, '0'));
        for (const spelling of [
          address,
          `::ffff:${address}`,
          `64:ff9b::${a}${b}:${c}${d}`,
          `2002:${a}${b}:${c}${d}::`,
        ])
          expect(judged(spelling)).toBe(false);
      }),
    );
  });

  it('throws at no text', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof judged(text) === 'boolean'));
  });
});

describe('the same address', () => {
  it('is told whatever its spelling', () => {
    expect(isSameAddress('127.0.0.1', '::ffff:127.0.0.1')).toBe(true);
    expect(isSameAddress('2001:db8::1', '2001:DB8:0:0::1')).toBe(true);
    expect(isSameAddress('127.0.0.1', '127.0.0.2')).toBe(false);
    expect(isSameAddress('', '')).toBe(false);
  });
});
