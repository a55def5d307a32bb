/** What a client of socket.io can do to a server that trusts it; each time another one is served on. */
import { io, type Socket } from 'socket.io-client';
import type { ExecutionList } from '../../src/execution/execution.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { until } from '../support/processes.js';
import { RawWebSocket } from '../support/raw-websocket.js';

const MIB = 1024 * 1024;

describe('a hostile socket', () => {
  let caisson: Caisson;
  let neighbour: Socket;
  let token: string;
  beforeAll(async () => {
    caisson = await startCaisson({ SOCKET_MESSAGES_AHEAD: '20' });
    ({ secret: token } = await caisson.clientOf('mallory'));
    neighbour = await caisson.admin.socket();
  });
  afterAll(async () => {
    caisson.admin.close();
    await caisson.clear();
  });

  /** The neighbour is answered, nothing was made, and no prototype was touched. */
  afterEach(async () => {
    expect(await neighbour.emitWithAck('claude-code-cancel', { executionId: 'x' })).toMatchObject({
      error: { code: 'E009' },
    });
    expect({}).not.toHaveProperty('admin');
  });

  const open = () => RawWebSocket.open(caisson.url, token);

  it('[A09] a frame of 64 MiB is refused by what it says, before it comes: 1009', async () => {
    const socket = await open();
    socket.send('42["claude-code-stream",', { length: 64 * MIB });
    await socket.closed;
    expect(socket.closeCode).toBe(1009);
  });

  it('[A71] frames that are only together too large are refused: 1009', async () => {
    const socket = await open();
    const part = 'x'.repeat(MIB);
    socket.send(part, { fin: false });
    for (let sent = 0; sent < 64 && socket.closeCode === undefined; sent += 1) {
      socket.send(part, { opcode: 0, fin: false });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await socket.closed;
    expect(socket.closeCode).toBe(1009);
  });

  it('[A72] 1000 messages at once close the connection, and no more than a few are handled', async () => {
    const socket = await open();
    const request = { action: 'generate', prompt: '' };
    for (let sent = 0; sent < 1000; sent += 1)
      socket.send(`42${sent}${JSON.stringify(['claude-code-stream', request])}`);
    await socket.closed;
    expect(socket.texts.filter((text) => text.startsWith('43')).length).toBeLessThanOrEqual(100);
  });

  it.each([
    ['a million levels', `42["claude-code-stream",${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}]`],
    ['100 000 fields', `42["claude-code-stream",{${'"a":0,'.repeat(100_000)}"a":0}]`],
    ['a million empty lists', `42["claude-code-stream",[${'[],'.repeat(600_000)}[]]]`],
    ['11 attachments', '4511-["claude-code-stream",{"_placeholder":true,"num":0}]'],
    ['a billion attachments', '451000000000-["claude-code-stream",{"_placeholder":true,"num":0}]'],
    ['an attachment that was not announced', '451-["claude-code-stream",{"_placeholder":true,"num":7}]'],
    ['attachments without a number', '45-["claude-code-stream"]'],
    ['no JSON', '42["claude-code-stream",'],
    ['no list', '42{"0":"claude-code-stream"}'],
    ['a reserved name', '42["disconnect"]'],
    ['a name that is an object', '42[{"toString":"x"}]'],
    ['an unknown type of packet', '49["x"]'],
    ['no packet', 'x'],
    ['an upgrade that is none', '5'],
  ])('[A73] a packet that is made to hurt closes the connection: %s', async (_, packet) => {
    const socket = await open();
    socket.send(packet);
    if (packet.startsWith('451-')) socket.send('bytes', { opcode: 2 });
    // An upgrade on a WebSocket is ignored, and then the next one closes it.
    if (packet === '5') socket.send('x');
    await socket.closed;
  });

  it.each([
    ['__proto__', '{"action":"generate","prompt":"x","__proto__":{"admin":true}}'],
    ['constructor', '{"action":"generate","prompt":"x","constructor":{"prototype":{"admin":true}}}'],
    ['__proto__ inside', '{"action":"generate","prompt":"x","options":{"__proto__":{"admin":true}}}'],
    ['40 levels', `{"action":"generate","prompt":"x","context":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`],
  ])('[A02] a message that reaches for prototypes or goes too deep is refused: %s', async (_, message) => {
    const socket = await open();
    socket.send(`421["claude-code-stream",${message}]`);
    expect(await socket.text((text) => text.startsWith('431'))).toContain('"code":"E003"');
    socket.socket.destroy();
  });

  it.each(['/admin', '/__proto__', '/constructor', `/${'x'.repeat(10_000)}`])(
    '[A74] there is no other namespace: %#',
    async (namespace) => {
      const socket = await open();
      socket.send(`40${namespace},${JSON.stringify({ token })}`);
      expect(await socket.text((text) => text.startsWith('44'))).toContain('Invalid namespace');
      socket.socket.destroy();
    },
  );

  it('[A76] no message of all these has become an execution', async () => {
    const { body } = await (await caisson.clientOf('mallory')).get<ExecutionList>('/api/executions');
    expect(body).toEqual({ items: [] });
  });
});

describe('many sockets', () => {
  let caisson: Caisson;
  const settings = {
    SOCKET_PING_MS: '500',
    SOCKETS_PER_USER: '3',
    SOCKET_MESSAGES_AHEAD: '10',
    HEADERS_TIMEOUT_MS: '3000',
    CONNECTIONS_PER_ADDRESS: '50',
  };
  beforeAll(async () => {
    caisson = await startCaisson(settings);
  });
  afterAll(() => caisson.clear());

  it('[A77] a socket that answers no ping is closed', async () => {
    const socket = await RawWebSocket.open(caisson.url, caisson.admin.secret);
    await socket.closed;
    expect(socket.texts).toContain('2');
  });

  it('[A78] a user has SOCKETS_PER_USER sockets at once; one more is told so and closed', async () => {
    const user = await caisson.clientOf('many');
    const other = await caisson.clientOf('other');
    const sockets = await Promise.all([user.socket(), user.socket(), user.socket()]);
    const more = io(user.url, { auth: { token: user.secret }, forceNew: true, reconnection: false });
    const told = new Promise((resolve) => more.once('claude-code-error', resolve));
    const closed = new Promise((resolve) => more.once('disconnect', resolve));
    expect(await told).toMatchObject({ error: { code: 'E002' } });
    await closed;
    await other.socket();
    // One that leaves makes room.
    sockets[0].disconnect();
    await until(async () => {
      const again = await user.socket();
      const answer: unknown = await again
        .timeout(1000)
        .emitWithAck('claude-code-cancel', { executionId: 'x' })
        .catch(() => undefined);
      return answer !== undefined;
    });
    user.close();
    other.close();
  });

  it('[A79] handshakes without a key are bounded for each address, and forgotten soon', async () => {
    // Its own: a socket that another test has closed may still be counted for a moment.
    const fresh = await startCaisson(settings);
    try {
      const polling = `${fresh.url}/socket.io/?EIO=4&transport=polling`;
      const sids: string[] = [];
      for (let asked = 0; asked < 60; asked += 1) {
        const answer = await fetch(polling).then((response) => response.text(), String);
        const sid = /^0\{"sid":"([^"]+)"/.exec(answer)?.[1];
        if (sid !== undefined) sids.push(sid);
      }
      expect(sids).toHaveLength(50);
      // Each is closed when it has not shown a key in time: its poll is told so, and then it is unknown.
      const first = `${polling}&sid=${sids[0]}`;
      await until(async () => (await fetch(first)).status === 400);
    } finally {
      await fresh.clear();
    }
  });

  it('[A80] a socket that goes on after it was refused for its rate is closed', async () => {
    const strict = await startCaisson({
      ...settings,
      RATE_LIMIT_REQUESTS: '5',
      RATE_LIMIT_WINDOW_MS: '600000',
    });
    try {
      const socket = await RawWebSocket.open(strict.url, strict.admin.secret);
      for (let sent = 0; !socket.socket.closed; sent += 1) {
        socket.send(`42${sent}["claude-code-cancel",{"executionId":"x"}]`);
        await Promise.race([
          socket.closed,
          socket.text((text) => text.startsWith(`43${sent}[`)).catch(() => undefined),
        ]);
      }
      const refused = socket.texts.filter((text) => text.startsWith('43') && text.includes('E002'));
      expect(refused).toHaveLength(10);
    } finally {
      await strict.clear();
    }
  });
});
