/** Bytes that one server reads as one request and another as two: here they are one, or none. */
import { type EdgeApp, openEdgeApp } from '../support/edge-app.js';
import { answersIn, openMany, rawConnection, sendRaw } from '../support/raw-socket.js';
import { until } from '../support/processes.js';

const READERS = '/api/trial/open-to-readers';
const REQUESTS = '/api/trial/requests';

let app: EdgeApp;
let key: string;
beforeAll(async () => {
  app = await openEdgeApp({ REQUEST_TIMEOUT_MS: '2000', HEADERS_TIMEOUT_MS: '1000' });
  key = await app.key('alice', 'run', 'read');
});
afterAll(() => app.close());

/** What an attacker would have taken for a request of its own; the log shows whether it was. */
const smuggled = () =>
  `GET ${READERS} HTTP/1.1\r\nHost: x\r\nX-Request-Id: smuggled\r\nX-Api-Key: ${key}\r\n\r\n`;
const wasTaken = () => app.lines.some((line) => line.includes('"requestId":"smuggled"'));
const head = () => `Host: x\r\nAuthorization: Bearer ${key}\r\n`;
const post = (headers: string, body: string) =>
  `POST ${REQUESTS} HTTP/1.1\r\n${head()}Content-Type: application/json\r\n${headers}\r\n${body}`;
const get = (headers: string) => `GET ${READERS} HTTP/1.1\r\n${head()}${headers}\r\n`;
const chunks = (body: string) => post('Transfer-Encoding: chunked\r\n', body);

const refused = { success: false, error: { code: 'E003', details: [{ field: 'request' }] } };

/** One refusal in the envelope and the end of the connection; nothing behind it was a request. */
async function expectRefused(_: string, bytes: () => string): Promise<void> {
  const answers = answersIn(await sendRaw(app.url, bytes()));
  expect(answers).toHaveLength(1);
  expect(answers[0]?.status).toBe(400);
  expect(answers[0]?.body).toMatchObject(refused);
  expect(wasTaken()).toBe(false);
}

type Row = [what: string, bytes: () => string];

const LENGTHS: Row[] = [
  [
    'a length and chunks',
    () => post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled()}`),
  ],
  [
    'chunks and a length',
    () => post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', `0\r\n\r\n${smuggled()}`),
  ],
  ['two lengths', () => post(`Content-Length: 0\r\nContent-Length: ${smuggled().length}\r\n`, smuggled())],
  ['the same length twice', () => post('Content-Length: 2\r\nContent-Length: 2\r\n', `{}${smuggled()}`)],
  ['a list of lengths', () => post('Content-Length: 2, 2\r\n', `{}${smuggled()}`)],
  ['a length with a sign', () => post('Content-Length: +2\r\n', `{}${smuggled()}`)],
  ['a negative length', () => post('Content-Length: -1\r\n', `{}${smuggled()}`)],
  ['a hexadecimal length', () => post('Content-Length: 0x2\r\n', `{}${smuggled()}`)],
  ['a length beyond all numbers', () => post(`Content-Length: ${'9'.repeat(30)}\r\n`, `{}${smuggled()}`)],
  ['an empty length', () => post('Content-Length:\r\n', smuggled())],
];

const CODINGS: Row[] = [
  ['xchunked', 'Transfer-Encoding: xchunked'],
  ['chunked and then another header', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'],
  ['another header and then chunked', 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked'],
  ['chunked twice', 'Transfer-Encoding: chunked, chunked'],
  ['identity and chunked', 'Transfer-Encoding: identity, chunked'],
  ['gzip and chunked', 'Transfer-Encoding: gzip, chunked'],
  ['chunked in quotes', 'Transfer-Encoding: "chunked"'],
  ['chunked behind a vertical tab', 'Transfer-Encoding: \x0bchunked'],
  ['a blank before the colon', 'Transfer-Encoding : chunked'],
  ['a folded line', 'Transfer-Encoding:\r\n chunked'],
  ['nothing', 'Transfer-Encoding:'],
].map(([what = '', line = '']): Row => [what, () => post(`${line}\r\n`, `0\r\n\r\n${smuggled()}`)]);

const CHUNKS: Row[] = [
  ['0x2', '0x2\r\n{}\r\n0\r\n\r\n'],
  ['-2', '-2\r\n{}\r\n0\r\n\r\n'],
  ['2 and a blank', '2 \r\n{}\r\n0\r\n\r\n'],
  ['beyond 64 bits', '10000000000000002\r\n{}\r\n0\r\n\r\n'],
  ['nothing', '\r\n{}\r\n0\r\n\r\n'],
  ['a line feed alone', '2\n{}\n0\n\n'],
  ['no line behind the chunk', '2\r\n{}XX0\r\n\r\n'],
  ['an extension with a line feed', '2;\n{}\r\n0\r\n\r\n'],
  ['an extension of 100 000 characters', `2;${'a'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n`],
].map(([what = '', body = '']): Row => [what, () => chunks(body + smuggled())]);

const HEADERS: Row[] = [
  ['a folded line', () => get('X-Y: a\r\n b\r\n')],
  ['a line feed alone', () => get('X-Y: a\nX-Z: b\r\n')],
  ['lines that all end in a line feed', () => get('X-Y: a\r\n').replaceAll('\r\n', '\n')],
  ['a carriage return alone', () => get('X-Y: a\rX-Z: b\r\n')],
  ['a NUL', () => get('X-Y: a\0b\r\n')],
  ['a name with a blank', () => get('X Y: a\r\n')],
  ['a name with a blank behind', () => get('X-Y : a\r\n')],
  ['no name', () => get(': a\r\n')],
  ['no colon', () => get('X-Y\r\n')],
  ['a blank before the first', () => `GET ${READERS} HTTP/1.1\r\n X-Y: a\r\n${head()}\r\n`],
  ['two hosts', () => get('Host: y\r\n')],
  ['no host', () => `GET ${READERS} HTTP/1.1\r\nAuthorization: Bearer ${key}\r\n\r\n`],
  ['two keys', () => get('Authorization: Bearer other\r\n')],
  ['two types', () => post('Content-Type: text/plain\r\nContent-Length: 2\r\n', '{}')],
  ['101 headers', () => get(Array.from({ length: 99 }, (_, n) => `x${n}: 1\r\n`).join(''))],
  [
    '2600 empty headers before the coding',
    () => post(`${'a:\r\n'.repeat(2600)}Transfer-Encoding: gzip, chunked\r\n`, `0\r\n\r\n`),
  ],
];

const LINES: Row[] = [
  ['HTTP/0.9', () => `GET ${READERS}\r\n\r\n`],
  ['HTTP/1.2', () => get('').replace('HTTP/1.1', 'HTTP/1.2')],
  ['HTTP/2 with prior knowledge', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['chunks in HTTP/1.0', () => chunks('0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0')],
  ['a whole URL', () => get('').replace(READERS, `http://evil.example${READERS}`)],
  ['a whole URL of a file', () => get('').replace(READERS, 'http://x/api/projects/p/files/x')],
  ['a star', () => get('').replace(`GET ${READERS}`, 'OPTIONS *')],
  ['a control character', () => get('').replace(READERS, '/\x01')],
  ['a blank in the path', () => get('').replace(READERS, '/a b')],
  ['a method with a NUL', () => get('').replace('GET', 'G\0T')],
];

it.each(LENGTHS)('[A05] a body whose length can be read in two ways is refused: %s', expectRefused);
it.each(CODINGS)('[A63] a transfer encoding that is not just chunked is refused: %s', expectRefused);
it.each(HEADERS)('[A64] headers that can be read in two ways are refused: %s', expectRefused);
it.each(LINES)('[A65] a request line that is no ordinary one is refused: %s', expectRefused);

it.each(CHUNKS)('[A66] what follows a broken chunk is no request: %s', async (_, bytes) => {
  const answers = answersIn(await sendRaw(app.url, bytes()));
  expect(answers.map(({ status }) => status)).toEqual([400]);
  expect(wasTaken()).toBe(false);
});

it('[A67] what comes behind a refused request on the same connection is no request', async () => {
  const bytes = post('Transfer-Encoding: identity, chunked\r\n', `0\r\n\r\n${smuggled()}${smuggled()}`);
  expect(answersIn(await sendRaw(app.url, bytes))).toHaveLength(1);
  // Inside the length that was told it is the body, refused or not.
  const within = post(`Content-Length: 3000000\r\n`, smuggled().repeat(50));
  expect(answersIn(await sendRaw(app.url, within))).toMatchObject([{ status: 400 }]);
  expect(wasTaken()).toBe(false);
  // The control: an honest second request on one connection is one.
  const two = answersIn(
    await sendRaw(app.url, get('') + get('').replace('Host: x', 'Host: x\r\nConnection: close')),
  );
  expect(two.map(({ status }) => status)).toEqual([200, 200]);
});

it('[A68] an offer of another protocol is answered as if it were none', async () => {
  for (const offer of ['h2c', 'websocket', 'TLS/1.0']) {
    const bytes = get(
      `Connection: Upgrade, close\r\nUpgrade: ${offer}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n`,
    );
    expect(answersIn(await sendRaw(app.url, bytes))).toEqual([{ status: 200, body: 'read' }]);
  }
  expect(await sendRaw(app.url, 'CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
  const odd = answersIn(await sendRaw(app.url, get('Connection: close\r\nExpect: 200-maybe\r\n')));
  expect(odd).toEqual([{ status: 200, body: 'read' }]);
});

it('[A04] headers of 64 KiB, 2000 headers and a path of 20 000 characters are refused', async () => {
  for (const flood of [
    get(`X: ${'x'.repeat(65_536)}\r\n`),
    get(Array.from({ length: 2000 }, (_, n) => `header-${n}: 1\r\n`).join('')),
    get('').replace(READERS, `/${'x'.repeat(20_000)}`),
  ])
    expect(answersIn(await sendRaw(app.url, flood))).toMatchObject([{ status: 431, body: refused }]);
});

describe('[A69] a client that is slow', () => {
  it('with its headers is closed, and told why', async () => {
    const { socket, received, closed } = rawConnection(app.url);
    const drip = setInterval(() => socket.write('x: y\r\n'), 50);
    socket.write(`GET ${READERS} HTTP/1.1\r\n`);
    await closed;
    clearInterval(drip);
    expect(answersIn(received())).toMatchObject([{ status: 408, body: refused }]);
  });

  it('with its body is closed, and told why', async () => {
    const { socket, received, closed } = rawConnection(app.url);
    socket.write(post('Content-Length: 100000\r\n', '{'));
    const drip = setInterval(() => socket.write(' '), 50);
    await closed;
    clearInterval(drip);
    expect(answersIn(received())).toMatchObject([{ status: 408, body: refused }]);
  });

  it('and says nothing at all is closed, while others are served', async () => {
    const idle = await openMany(app.url, 200);
    expect((await app.call(READERS, key)).status).toBe(200);
    await Promise.all(idle.map(({ closed }) => closed));
  });
});

describe('[A70] a flood of connections', () => {
  it('of one address is held to CONNECTIONS_PER_ADDRESS', async () => {
    const small = await openEdgeApp({ CONNECTIONS_PER_ADDRESS: '20', HEADERS_TIMEOUT_MS: '60000' });
    try {
      const connections = await openMany(small.url, 60);
      const open = () => connections.filter(({ socket }) => !socket.closed).length;
      await until(() => open() === 20);
      // Room is room again as soon as one leaves.
      connections.find(({ socket }) => !socket.closed)?.socket.destroy();
      await until(async () => (await small.call('/health/live').catch(() => undefined))?.status === 200);
      for (const { socket } of connections) socket.destroy();
    } finally {
      await small.close();
    }
  });

  it('of many addresses is held to CONNECTIONS_MAX', async () => {
    // Behind a proxy all addresses are one, and only the whole is counted.
    const small = await openEdgeApp({
      CONNECTIONS_MAX: '20',
      CONNECTIONS_PER_ADDRESS: '1',
      TRUST_PROXY: '1',
    });
    try {
      const connections = await openMany(small.url, 60);
      await until(() => connections.filter(({ socket }) => !socket.closed).length === 20);
      for (const { socket } of connections) socket.destroy();
    } finally {
      await small.close();
    }
  });
});
