/** What a sandbox that was granted one host tries to reach besides; at the gateway's socket, which is all that it has. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { connect, createServer as createTcpServer } from 'node:net';
import { Logger } from '@nestjs/common';
import { Config } from '../../src/config/config.js';
import type { EgressConnection, EgressEvents, EgressRoute } from '../../src/egress/egress-gateway.js';
import { EgressGrants } from '../../src/egress/egress-grants.js';
import { UnixSocketEgressGateway } from '../../src/egress/unix-socket-egress-gateway.js';
import { openDatabase } from '../../src/persistence/persistence.module.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { extension, handshake, realHello, records, serverName } from '../support/client-hello.js';
import {
  type Certificate,
  certificateFor,
  connectLine,
  describeWith443,
  echoServer,
  loopbackAddress,
  say,
  tlsThrough,
} from '../support/egress-ground.js';
import { until } from '../support/processes.js';

const HOST = 'git.example.test';
const OTHER = 'other.example.test';

describe('egress', () => {
  let directory: string;
  let close: () => Promise<void>;
  let gateway: UnixSocketEgressGateway;
  let entries: EgressConnection[];
  let ended: EgressEvents['ended'][];
  /** What names resolve to, and how often each was asked. */
  let addresses: Map<string, string[]>;
  let asked: string[];
  let grants: EgressGrants;

  beforeEach(async () => {
    Logger.overrideLogger(false);
    directory = await temporaryDirectory();
    const database = await openDatabase(Config.from({ CAISSON_DATA: directory }));
    close = () => database.destroy();
    grants = new EgressGrants(database);
    [entries, ended, asked] = [[], [], []];
    addresses = new Map();
  });
  afterEach(async () => {
    await gateway.onApplicationShutdown();
    await close();
    await rm(directory, { recursive: true });
  });

  const start = async (settings: NodeJS.ProcessEnv = {}, hosts: string[] = [HOST]): Promise<EgressRoute> => {
    const config = Config.from({ CAISSON_DATA: directory, ...settings });
    gateway = new UnixSocketEgressGateway(config, grants, {
      addressesOf: (name) => {
        asked.push(name);
        return Promise.resolve(addresses.get(name) ?? []);
      },
    });
    gateway.events.on('connection', ({ data }) => void entries.push(data));
    gateway.events.on('ended', ({ data }) => void ended.push(data));
    return gateway.open({ userId: 'alice', projectId: 'demo', executionId: 'e-1', hosts });
  };
  /** The answer's status, after its one entry was written. */
  const refused = async (route: EgressRoute, bytes: string | Buffer) => {
    const before = entries.length;
    const { answer, socket } = await say(route.socketPath, bytes);
    socket.destroy();
    expect(entries).toHaveLength(before + 1);
    return { status: answer.slice(9, 12), outcome: entries.at(-1)?.outcome, answer };
  };

  describe('by its target', () => {
    it.each([
      '169.254.169.254:443',
      '[fd00:ec2::254]:443',
      '100.100.100.200:443',
      '[::ffff:169.254.169.254]:443',
    ])('[N01] a metadata address is refused as every address is: %s', async (target) => {
      const route = await start({}, [HOST]);
      expect(await refused(route, connectLine(target))).toMatchObject({
        status: '403',
        outcome: 'ip-literal',
      });
      expect(asked).toEqual([]);
    });

    it('[N02] the metadata name is refused without a grant, and by its address with one', async () => {
      const name = 'metadata.google.internal';
      const route = await start({}, ['*.google.internal']);
      addresses.set(name, ['169.254.169.254']);
      expect(await refused(route, connectLine(`${name}:443`))).toMatchObject({
        status: '403',
        outcome: 'private-address',
      });
      expect(await refused(route, connectLine('metadata.goog:443'))).toMatchObject({
        outcome: 'not-granted',
      });
    });

    it.each([`${HOST}:22`, `${HOST}:80`, `${HOST}:0`, `${HOST}:4433`, `${HOST}:0443`, `${HOST}:65979`])(
      '[N06] any other port is refused: %s',
      async (target) => {
        const route = await start();
        expect(await refused(route, connectLine(target))).toMatchObject({
          status: '403',
          outcome: 'wrong-port',
        });
      },
    );

    it.each([HOST, `${HOST}:`, `${HOST}:443x`, `${HOST}:-443`, `:443`, `${HOST}: 443`])(
      '[N12] a target that is no host with a port is refused: %s',
      async (target) => {
        const route = await start();
        expect(await refused(route, `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatchObject({
          status: '400',
          outcome: 'malformed',
        });
        expect(asked).toEqual([]);
      },
    );

    it.each([
      ...[
        '127.0.0.1',
        '2130706433',
        '0x7f000001',
        '0177.0.0.1',
        '127.1',
        '0x7f.1',
        '017700000001',
        '127.0.0.1.',
      ],
      ...['[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '::1'],
    ])('[N26] an address is refused in every spelling: %s', async (host) => {
      const route = await start();
      expect(await refused(route, connectLine(`${host}:443`))).toMatchObject({
        status: '403',
        outcome: 'ip-literal',
      });
    });

    it.each([
      'evil.test\0.example.test',
      `${HOST}\0`,
      `evil.test\t${HOST}`,
      `a@${HOST}`,
      `${HOST}@evil.test`,
      `git%2eexample.test`,
      `${HOST}/x`,
    ])('[N21] a name that others may read otherwise is refused: %j', async (host) => {
      const route = await start();
      expect(await refused(route, connectLine(`${host}:443`))).toMatchObject({ outcome: 'malformed' });
      expect(asked).toEqual([]);
    });

    it.each(['example.test', 'example.test.evil.test', 'notexample.test', 'evil.test', 'example.test.'])(
      '[N22] what only looks like a sub-domain is not granted with *.example.test: %s',
      async (host) => {
        const route = await start({}, ['*.example.test']);
        expect(await refused(route, connectLine(`${host}:443`))).toMatchObject({
          status: '403',
          outcome: 'not-granted',
        });
        expect(asked).toEqual([]);
      },
    );

    it('[N23] a plain request, by whatever method, gets a word of help and nothing else', async () => {
      const route = await start();
      for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT']) {
        const { status, outcome } = await refused(
          route,
          `${method} http://${HOST}/x HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
        );
        expect({ status, outcome }).toEqual({ status: '403', outcome: 'not-connect' });
      }
      const { answer } = await refused(
        route,
        `GET http://${HOST}/secret?token=1 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
      );
      expect(answer).toContain('https://');
      expect(entries.at(-1)?.asked).toBe(`GET http://${HOST}/secret`);
      expect(asked).toEqual([]);
    });

    it.each([
      ['a length', `Content-Length: 5\r\n`],
      ['an encoding', `Transfer-Encoding: chunked\r\n`],
      ['both', `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`],
      ['a field without a name', `: x\r\n`],
      ['a folded field', `X: a\r\n b\r\nContent-Length : 5\r\n`],
    ])('[N24] a CONNECT that has a body is refused: by %s', async (_, fields) => {
      const route = await start();
      const bytes = `${connectLine(`${HOST}:443`, fields)}GET / HTTP/1.1\r\nHost: evil\r\n\r\n`;
      expect(await refused(route, bytes)).toMatchObject({ status: '400', outcome: 'malformed' });
    });

    it('[N25] a second request behind a refused one is not heard', async () => {
      const route = await start();
      const { answer } = await refused(route, connectLine('evil.test:443') + connectLine(`${HOST}:443`));
      expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
      expect(asked).toEqual([]);
    });

    it('[N49] what is no HTTP is refused, and so are heads without end', async () => {
      const route = await start();
      expect(await refused(route, randomBytes(64))).toMatchObject({ outcome: 'malformed' });
      expect(await refused(route, connectLine(`${HOST}:443`, `X: ${'a'.repeat(20_000)}\r\n`))).toMatchObject({
        status: '431',
        outcome: 'too-large',
      });
    });
  });

  describe('by where the name leads', () => {
    it.each([
      '127.0.0.1',
      '10.0.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '0.0.0.0',
      '::1',
      '::ffff:127.0.0.1',
      'fd00::1',
      '64:ff9b::7f00:1',
    ])(
      '[N03] an allowed name that resolves to an address that is not public is refused: %s',
      async (address) => {
        const route = await start();
        addresses.set(HOST, [address]);
        expect(await refused(route, connectLine(`${HOST}:443`))).toMatchObject({
          status: '403',
          outcome: 'private-address',
        });
        expect(entries.at(-1)?.address).toBeUndefined();
      },
    );

    it('[N07] a name without an address is told apart', async () => {
      const route = await start();
      expect(await refused(route, connectLine(`${HOST}:443`))).toMatchObject({
        status: '502',
        outcome: 'unresolved',
      });
    });

    it('[N14] services of this host, on loopback and on every address, are not reached by any name', async () => {
      let heard = 0;
      const service = createTcpServer(() => (heard += 1)).listen(0, '0.0.0.0');
      await once(service, 'listening');
      const route = await start();
      const own = Object.values(networkInterfaces()).flatMap((found) =>
        (found ?? []).map(({ address }) => address),
      );
      addresses.set(HOST, own);
      expect(await refused(route, connectLine(`${HOST}:443`))).toMatchObject({ outcome: 'private-address' });
      expect(heard).toBe(0);
      service.close();
    });
  });

  describe('by how much it asks', () => {
    it('[N13] a request that does not come to its end is ended', async () => {
      const route = await start({ EGRESS_HANDSHAKE_TIMEOUT_MS: '200' });
      expect(await refused(route, `CONNECT ${HOST}:443 HTTP/1.1\r\nX-Slow: `)).toMatchObject({
        status: '408',
        outcome: 'too-slow',
      });
    });

    it('[N16] ten thousand connections at once are capped, and the first ones still served', async () => {
      const route = await start({ EGRESS_CONNECTIONS: '8', EGRESS_HANDSHAKE_TIMEOUT_MS: '600000' });
      const held = connect(route.socketPath);
      await once(held, 'connect');
      let closed = 0;
      let opened = 0;
      // In waves: a unix socket has a backlog, and this process a limit of descriptors.
      for (let wave = 0; wave < 100; wave += 1)
        await Promise.all(
          Array.from({ length: 100 }, async () => {
            const socket = connect(route.socketPath).on('error', () => undefined);
            opened += 1;
            socket.resume();
            const over = once(socket, 'close').then(() => (closed += 1));
            setTimeout(() => socket.end(), 20).unref();
            await over;
          }),
        );
      expect({ opened, closed }).toEqual({ opened: 10_000, closed: 10_000 });
      held.write(connectLine('evil.test:443'));
      const [answer] = (await once(held, 'data')) as [Buffer];
      expect(answer.toString()).toContain('403');
      expect(entries.length).toBeLessThan(10);
      held.destroy();
    });

    it('[N27] a flood of refused requests is an end of all requests, and few entries', async () => {
      const route = await start({ EGRESS_REQUESTS: '5' });
      for (let count = 0; count < 5; count += 1)
        expect(await refused(route, connectLine('evil.test:443'))).toMatchObject({ outcome: 'not-granted' });
      expect(await refused(route, connectLine(`${HOST}:443`))).toMatchObject({
        status: '429',
        outcome: 'too-many',
      });
      for (let count = 0; count < 5; count += 1)
        expect((await say(route.socketPath, connectLine(`${HOST}:443`))).answer).toBe('');
      expect(entries).toHaveLength(6);
    });
  });

  it('[N28] the socket is for one uid alone, and gone with its route', async () => {
    const route = await start();
    expect((await stat(route.socketPath)).mode & 0o777).toBe(0o600);
    await route.close();
    await route.close();
    await expect(stat(route.socketPath)).rejects.toThrow('ENOENT');
  });

  it('[N29] what cannot be granted opens no route', async () => {
    for (const host of ['*', '*.com', '10.0.0.1', 'evil.test\0.example.test'])
      await expect(start({}, [host])).rejects.toMatchObject({ code: 'E003' });
  });

  describeWith443('with a TLS server', () => {
    let address: string;
    let closeServer: () => Promise<unknown>;
    let tls: Certificate;
    beforeEach(async () => {
      address = loopbackAddress();
      tls = await certificateFor(directory, HOST, OTHER);
      closeServer = await echoServer(address, tls);
      addresses.set(HOST, [address]).set(OTHER, [address]);
    });
    afterEach(() => closeServer());
    const open = (settings: NodeJS.ProcessEnv = {}, hosts?: string[]) =>
      start({ EGRESS_TEST_LOOPBACK: 'true', ...settings }, hosts);
    const through = (route: EgressRoute, host = HOST, servername = host) =>
      tlsThrough(route.socketPath, host, { ca: tls.cert, servername });

    it('[N30] a granted host is reached, in both directions, half-closed and recorded before', async () => {
      const route = await open();
      const socket = await through(route);
      expect(entries).toMatchObject([
        {
          userId: 'alice',
          projectId: 'demo',
          executionId: 'e-1',
          asked: `CONNECT ${HOST}:443`,
          address,
          outcome: 'opened',
        },
      ]);
      const sent = randomBytes(3_000_000);
      const received: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => received.push(chunk));
      socket.end(sent);
      await once(socket, 'end');
      expect(Buffer.concat(received).equals(sent)).toBe(true);
      await until(() => ended.length === 1);
      expect(ended[0]).toMatchObject({ connection: { outcome: 'opened' }, report: { end: 'done' } });
      expect(ended[0]?.report?.bytesUp).toBeGreaterThan(sent.length);
      expect(ended[0]?.report?.bytesDown).toBeGreaterThan(sent.length);
    });

    it('[N31] a name in other letters and with a final dot is the same host', async () => {
      const route = await open();
      const socket = await tlsThrough(route.socketPath, 'GIT.Example.test.', {
        ca: tls.cert,
        servername: HOST,
      });
      socket.destroy();
      expect(entries).toMatchObject([{ outcome: 'opened' }]);
      expect(asked).toEqual([HOST]);
    });

    it('[N04] a name is resolved once: a second answer is never asked for', async () => {
      const route = await open();
      addresses.set(HOST, [address]);
      (await through(route)).destroy();
      expect(asked).toEqual([HOST]);
      expect(entries).toMatchObject([{ address }]);
    });

    it('[N10] of a name with public and private addresses, only what was checked is dialled', async () => {
      const route = await open({ EGRESS_HANDSHAKE_TIMEOUT_MS: '2000' });
      addresses.set(HOST, ['10.0.0.1', '169.254.169.254', '::1', address]);
      (await through(route)).destroy();
      expect(entries).toMatchObject([{ address, outcome: 'opened' }]);
    });

    it('[N05] loopback is not reached without the leave for tests', async () => {
      const route = await start();
      expect(await refused(route, connectLine(`${HOST}:443`))).toMatchObject({ outcome: 'private-address' });
    });

    it.each([
      ['[N32] another name', () => realHello(OTHER), 'other-server-name'],
      ['[N33] no name', () => realHello(), 'no-server-name'],
      ['[N34] two names', () => records(handshake(serverName(HOST, OTHER))), 'no-tls'],
      [
        '[N35] a hidden name',
        () => records(handshake(serverName(HOST), extension(0xfe0d, Buffer.alloc(8)))),
        'hidden-server-name',
      ],
      ['[N36] no TLS', () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'no-tls'],
      ['[N37] a second CONNECT', () => Buffer.from(connectLine(`${OTHER}:443`)), 'no-tls'],
    ])('%s behind CONNECT is cut, and the server hears nothing', async (_, hello, outcome) => {
      let heard = 0;
      const counting = createTcpServer((socket) =>
        socket.on('data', () => (heard += 1)).on('error', () => undefined),
      );
      const own = loopbackAddress();
      counting.listen(443, own);
      await once(counting, 'listening');
      addresses.set(HOST, [own]);
      const route = await open();
      const { answer, socket } = await say(route.socketPath, connectLine(`${HOST}:443`));
      expect(answer).toMatch(/^HTTP\/1\.1 200/);
      socket.resume().write(await hello());
      await once(socket, 'close');
      expect(entries).toMatchObject([{ outcome, address: own }]);
      expect(heard).toBe(0);
      counting.close();
    });

    it('[N38] TLS that comes together with the CONNECT, or byte by byte, is read as one', async () => {
      const route = await open();
      const hello = await realHello(HOST);
      const { socket: together } = await say(
        route.socketPath,
        Buffer.concat([Buffer.from(connectLine(`${HOST}:443`)), hello]),
      );
      await once(together.resume(), 'data');
      together.destroy();
      const { socket: slow } = await say(route.socketPath, connectLine(`${HOST}:443`));
      for (const byte of hello) slow.write(Buffer.of(byte));
      await once(slow.resume(), 'data');
      slow.destroy();
      expect(entries.map(({ outcome }) => outcome)).toEqual(['opened', 'opened']);
    });

    it('[N39] a client that says nothing after CONNECT is cut', async () => {
      const route = await open({ EGRESS_HANDSHAKE_TIMEOUT_MS: '200' });
      const { socket } = await say(route.socketPath, connectLine(`${HOST}:443`));
      await once(socket.resume(), 'close');
      expect(entries).toMatchObject([{ outcome: 'no-tls' }]);
    });

    it.each([
      ['[N40] too many bytes', { EGRESS_MAX_BYTES: '65536' }, 'bytes'],
      ['[N41] silence', { EGRESS_IDLE_TIMEOUT_MS: '300' }, 'idle'],
      ['[N42] too long a time', { EGRESS_TOTAL_TIMEOUT_MS: '1000' }, 'time'],
    ] as const)('%s ends a connection', async (_, settings, end) => {
      const route = await open(settings);
      const socket = await through(route);
      const talking = end === 'idle' ? undefined : setInterval(() => socket.write(Buffer.alloc(16_384)), 50);
      // Who still talks when it is closed may find it reset, which is a close like any other.
      const closed = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
      socket.resume();
      await closed;
      clearInterval(talking);
      await until(() => ended.length === 1);
      expect(ended[0]?.report?.end).toBe(end);
      const { bytesUp = 0, bytesDown = 0 } = ended[0]?.report ?? {};
      expect(bytesUp + bytesDown).toBeLessThan(2_000_000);
    });

    it('[N43] a reader that does not read holds the sender up, and no memory', async () => {
      const route = await open();
      const socket = await through(route);
      socket.pause();
      const before = process.memoryUsage().rss;
      let sent = 0;
      const chunk = Buffer.alloc(1_000_000);
      while (socket.write(chunk) && sent < 400_000_000) sent += chunk.length;
      await until(() => socket.writableLength > 0);
      expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
      socket.destroy();
    });

    it('[N44] what cannot be recorded is not carried', async () => {
      const route = await open();
      gateway.events.on('connection', () => Promise.reject(new Error('the disk is full')));
      const { socket } = await say(route.socketPath, connectLine(`${HOST}:443`));
      const received: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => received.push(chunk)).resume();
      socket.write(await realHello(HOST));
      await once(socket, 'close');
      expect(received).toEqual([]);
      await until(() => ended.length === 1);
      expect(ended).toMatchObject([{ connection: { outcome: 'unrecorded' } }]);
      expect(ended[0]?.report).toBeUndefined();
      // Nor does a refused one become more by that.
      expect((await say(route.socketPath, connectLine('evil.test:443'))).answer).toContain(' 403 ');
    });

    it('[N45] a grant that is taken back cuts what runs, keeps the others, and refuses what comes', async () => {
      await grants.set('alice', 'demo', [HOST, OTHER]);
      const route = await open({}, [HOST, OTHER]);
      const foreign = await gateway.open({ userId: 'bob', projectId: 'demo', hosts: [HOST] });
      const [cut, kept, others] = [await through(route), await through(route, OTHER), await through(foreign)];
      const closed = once(cut.resume(), 'close');
      await gateway.grant('alice', 'demo', [OTHER]);
      await closed;
      expect(await refused(route, connectLine(`${HOST}:443`))).toMatchObject({
        status: '403',
        outcome: 'not-granted',
      });
      for (const socket of [kept, others]) {
        socket.write('still here');
        expect(String(((await once(socket, 'data')) as [Buffer])[0])).toBe('still here');
        socket.destroy();
      }
    });

    it('[N50] a grant that is taken back while its route is being opened is none', async () => {
      await open();
      await grants.set('alice', 'demo', [HOST, OTHER]);
      const { of } = EgressGrants.prototype;
      jest.spyOn(grants, 'of').mockImplementationOnce(async (...project) => {
        const hosts = await of.apply(grants, project);
        await gateway.grant('alice', 'demo', [OTHER]);
        return hosts;
      });
      const route = await gateway.openGranted({ userId: 'alice', projectId: 'demo' });
      if (route === undefined) throw new Error('nothing was granted');
      expect(await refused(route, connectLine(`${HOST}:443`))).toMatchObject({ outcome: 'not-granted' });
      (await through(route, OTHER)).destroy();
    });

    it('[N51] a pattern that is taken back takes with it the hosts that only it named', async () => {
      await grants.set('alice', 'demo', ['*.example.test', OTHER]);
      const route = await open({}, [HOST, OTHER]);
      const [cut, kept] = [await through(route), await through(route, OTHER)];
      const closed = once(cut.resume(), 'close');
      await gateway.grant('alice', 'demo', [OTHER]);
      await closed;
      expect(await refused(route, connectLine(`${HOST}:443`))).toMatchObject({ outcome: 'not-granted' });
      kept.write('still here');
      expect(String(((await once(kept, 'data')) as [Buffer])[0])).toBe('still here');
      kept.destroy();
    });

    it('[N46] the end of a route cuts all that goes through it', async () => {
      const route = await open();
      const socket = await through(route);
      const waiting = await say(route.socketPath, connectLine(`${HOST}:443`));
      const gone = Promise.all([once(socket.resume(), 'close'), once(waiting.socket.resume(), 'close')]);
      await route.close();
      await gone;
      expect(entries.map(({ outcome }) => outcome)).toEqual(['opened', 'closed']);
    });

    it('[N47] a server that cannot be reached is told so, and which was tried is not', async () => {
      const route = await open();
      addresses.set(HOST, [loopbackAddress()]);
      expect(await refused(route, connectLine(`${HOST}:443`))).toMatchObject({
        status: '502',
        outcome: 'unreachable',
      });
    });

    it('[N48] a server that resets while the client is silent harms nothing', async () => {
      const resetting = createTcpServer((socket) => socket.resetAndDestroy());
      const own = loopbackAddress();
      resetting.listen(443, own);
      await once(resetting, 'listening');
      addresses.set(HOST, [own]);
      const route = await open({}, [HOST, OTHER]);
      // The reset may come before or after the answer.
      const { socket } = await say(route.socketPath, connectLine(`${HOST}:443`));
      socket.resume().write(await realHello(HOST));
      await until(() => socket.destroyed);
      (await through(route, OTHER)).destroy();
      expect(entries.at(-1)).toMatchObject({ outcome: 'opened' });
      await new Promise((resolve) => resetting.close(resolve));
    });
  });
});
