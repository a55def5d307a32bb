/** First messages of TLS: the real one of this Node, and ones made by hand. */
import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';

/** What Node's own TLS client sends first. @param servername none when undefined */
export async function realHello(servername?: string): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const raw = connect(address.port, '127.0.0.1');
  const client = connectTls({ socket: raw, servername, rejectUnauthorized: false }).on(
    'error',
    () => undefined,
  );
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(accepted, 'data')) as [Buffer];
  client.destroy();
  raw.destroy();
  accepted.destroy();
  server.close();
  return hello;
}

const u8 = (value: number) => Buffer.of(value);
const u16 = (value: number) => Buffer.of(value >> 8, value & 0xff);
const u24 = (value: number) => Buffer.of(value >> 16, (value >> 8) & 0xff, value & 0xff);
const vector16 = (bytes: Buffer) => Buffer.concat([u16(bytes.length), bytes]);

export const extension = (type: number, body: Buffer) => Buffer.concat([u16(type), vector16(body)]);

/** The extension server_name with these names, in one list. */
export const serverName = (...names: (string | Buffer)[]) =>
  extension(
    0,
    vector16(
      Buffer.concat(
        names.map((name) => Buffer.concat([u8(0), vector16(Buffer.from(name as string, 'latin1'))])),
      ),
    ),
  );

/** The message without its records. */
export function handshake(...extensions: Buffer[]): Buffer {
  const body = Buffer.concat([
    ...[u16(0x0303), Buffer.alloc(32, 7), u8(0), vector16(u16(0x1301)), u8(1), u8(0)],
    vector16(Buffer.concat(extensions)),
  ]);
  return Buffer.concat([u8(1), u24(body.length), body]);
}

/** In records of at most this many bytes. */
export function records(message: Buffer, size = 16_384): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size)
    parts.push(Buffer.concat([u8(22), u16(0x0301), vector16(message.subarray(at, at + size))]));
  return Buffer.concat(parts);
}
