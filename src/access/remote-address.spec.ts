import { remoteAddress } from './remote-address.js';

describe('remoteAddress', () => {
  it.each([
    ['believes nobody without a proxy', '10.0.0.1', '1.1.1.1', 0, '10.0.0.1'],
    ['takes what the proxy saw', '10.0.0.1', '1.1.1.1', 1, '1.1.1.1'],
    ['does not take what the caller made up', '10.0.0.1', '6.6.6.6, 1.1.1.1', 1, '1.1.1.1'],
    ['goes through two proxies', '10.0.0.1', '6.6.6.6, 1.1.1.1, 10.0.0.2', 2, '1.1.1.1'],
    ['stops where nothing was told', '10.0.0.1', undefined, 2, '10.0.0.1'],
    ['takes the first when fewer were told', '10.0.0.1', '1.1.1.1', 3, '1.1.1.1'],
    ['reads a header that came twice', '10.0.0.1', ['1.1.1.1', '10.0.0.2'], 2, '1.1.1.1'],
  ])('%s', (_, connected, forwarded, proxies, expected) => {
    expect(remoteAddress(connected, forwarded, proxies)).toBe(expected);
  });
});
