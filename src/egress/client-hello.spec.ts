import fc from 'fast-check';
import { extension, handshake, realHello, records, serverName } from '../../test/support/client-hello.js';
import { serverNameOf } from './client-hello.js';
import { EgressRefusal } from './refusal.js';

const HOST = 'git.example.test';

const outcome = (bytes: Buffer): string | undefined => {
  try {
    return serverNameOf(bytes);
  } catch (error) {
    if (error instanceof EgressRefusal) return `refused: ${error.reason}`;
    throw error;
  }
};

describe('the first message of TLS', () => {
  it('names the host, in whatever two pieces it comes', async () => {
    const hello = await realHello(HOST);
    for (let length = 0; length < hello.length; length += 1)
      expect({ length, outcome: outcome(hello.subarray(0, length)) }).toEqual({ length, outcome: undefined });
    expect(outcome(hello)).toBe(HOST);
    expect(outcome(Buffer.concat([hello, Buffer.from('what follows')]))).toBe(HOST);
  });

  it('may be cut into some records, at every byte, and not into very many', () => {
    const message = handshake(serverName(HOST));
    for (let size = Math.ceil(message.length / 8); size < message.length; size += 1)
      expect(outcome(records(message, size))).toBe(HOST);
    expect(outcome(records(message, 1))).toBe('refused: no-tls');
  });

  it('is compared in one spelling', () => {
    expect(outcome(records(handshake(serverName('GIT.Example.test'))))).toBe(HOST);
  });

  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['its first letter', Buffer.from('G')],
    ['SSH', Buffer.from('SSH-2.0-x\r\n')],
    ['the hello of SSL 2', Buffer.from('802b0100020012000000100100800700c0', 'hex')],
    ['another record of TLS', Buffer.from('1703010005', 'hex')],
    ['another message', records(Buffer.from('02000001ff', 'hex'))],
    ['an empty record', Buffer.from('1603010000', 'hex')],
    ['a record that is too long', Buffer.from('160301ffff', 'hex')],
    ['a message that is too long', records(Buffer.from('01ffffff', 'hex'))],
    [
      'more behind the message in its record',
      records(Buffer.concat([handshake(serverName(HOST)), Buffer.of(1)])),
    ],
    [
      'two hellos in one record',
      records(Buffer.concat([handshake(serverName(HOST)), handshake(serverName('b.test'))])),
    ],
    ['the extension twice', records(handshake(serverName(HOST), serverName('evil.test')))],
    ['two names', records(handshake(serverName(HOST, 'evil.test')))],
    ['bytes behind the name', records(handshake(extension(0, Buffer.from('0004000001610000', 'hex'))))],
    [
      'a name that is longer than its list',
      records(handshake(extension(0, Buffer.from('00040000ff61', 'hex')))),
    ],
    ['an empty list', records(handshake(extension(0, Buffer.from('0000', 'hex'))))],
  ])('that is %s is refused', (_, bytes) => {
    expect(outcome(bytes)).toBe('refused: no-tls');
  });

  it.each([
    ['names nobody', [], 'no-server-name'],
    [
      'names something other than a host',
      [extension(0, Buffer.from('00040100 0161'.replace(' ', ''), 'hex'))],
      'no-server-name',
    ],
    ['hides the name', [serverName(HOST), extension(0xfe0d, Buffer.alloc(8))], 'hidden-server-name'],
    [
      'hides the name as it was once planned',
      [serverName(HOST), extension(0xffce, Buffer.alloc(8))],
      'hidden-server-name',
    ],
    ['names an address', [serverName('127.0.0.1')], 'other-server-name'],
    ['has a NUL in the name', [serverName('evil.test\0.example.test')], 'other-server-name'],
    ['has the name in other letters', [serverName(Buffer.from([0xff, 0xfe]))], 'other-server-name'],
    ['has no name in the name', [serverName('')], 'other-server-name'],
  ])('that %s is refused', (_, extensions, reason) => {
    expect(outcome(records(handshake(...extensions)))).toBe(`refused: ${reason}`);
  });

  it('without a name is refused as Node sends it, too', async () => {
    expect(outcome(await realHello())).toBe('refused: no-server-name');
  });

  it('ends in a name, a wish for more, or a refusal, whatever bytes come', () => {
    const hello = records(handshake(serverName(HOST)));
    const bent = fc
      .array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 4 })
      .map((changes) => {
        const bytes = Buffer.from(hello);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(bent, fc.uint8Array().map(Buffer.from)), (bytes) => {
        outcome(bytes); // anything else that is thrown fails the test
      }),
      { numRuns: 3000 },
    );
  });
});
