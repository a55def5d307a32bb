/** Ground for tests of egress: a certificate authority of the test's own, and TLS servers on port 443 of loopback addresses. */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { join } from 'node:path';
import { describeWhere } from './cases.js';

/** Port 443 is for root. */
export const may443 = process.getuid?.() === 0;
export const describeWith443 = describeWhere(may443, 'only root may listen on port 443');

/** An address of 127.0.0.0/8 that no other test run takes: several may run on one machine. */
export const loopbackAddress = () => `127.77.${randomInt(1, 255)}.${randomInt(1, 255)}`;

export interface Certificate {
  key: string;
  cert: string;
  /** Path of the certificate, which is its own authority. */
  caFile: string;
}

/** @throws Error with openssl's words */
export async function certificateFor(directory: string, ...names: string[]): Promise<Certificate> {
  const keyFile = join(directory, 'test-key.pem');
  const caFile = join(directory, 'test-ca.pem');
  const { status, stderr } = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-keyout', keyFile, '-out', caFile, '-subj', '/CN=caisson test'],
    ...['-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`],
  ]);
  if (status !== 0) throw new Error(`openssl: ${stderr.toString()}`);
  return { key: await readFile(keyFile, 'utf8'), cert: await readFile(caFile, 'utf8'), caFile };
}

/** A TLS server that gives back what it gets, on port 443 of the address. @returns what closes it */
export async function echoServer(
  address: string,
  { key, cert }: Certificate,
): Promise<() => Promise<unknown>> {
  const sockets = new Set<Socket>();
  const server = createTlsServer({ key, cert, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.on('tlsClientError', () => undefined).on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(443, address);
  await once(server, 'listening');
  return () => {
    const closed = once(server.close(), 'close');
    for (const socket of sockets) socket.destroy();
    return closed;
  };
}

/** What a socket at the gateway answers to the bytes, up to its end or to the end of an answer's head. */
export async function say(
  socketPath: string,
  bytes: string | Buffer,
): Promise<{ answer: string; socket: Socket }> {
  const socket = connect(socketPath).on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  let answer = '';
  await new Promise<void>((resolve) => {
    const enough = (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (answer.startsWith('HTTP/1.1 200') && answer.includes('\r\n\r\n')) {
        socket.off('data', enough).pause();
        resolve();
      }
    };
    socket.on('data', enough).once('end', resolve).once('close', resolve);
  });
  return { answer, socket };
}

export const connectLine = (target: string, fields = '') =>
  `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${fields}\r\n`;

/** A TLS connection through the gateway, as a client in a sandbox has it. @throws Error when it does not come to one */
export async function tlsThrough(
  socketPath: string,
  host: string,
  { ca, servername = host }: { ca: string; servername?: string },
): Promise<TLSSocket> {
  const { answer, socket } = await say(socketPath, connectLine(`${host}:443`));
  if (!answer.startsWith('HTTP/1.1 200')) throw new Error(answer);
  const secure = connectTls({ socket, servername, ca, checkServerIdentity: () => undefined });
  await once(secure, 'secureConnect');
  return secure.on('error', () => undefined);
}
