/** A WebSocket by hand, for what no client library would do: lie about lengths, answer no ping, read nothing. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { until } from './processes.js';

const TEXT = 1;
const CLOSE = 8;

export class RawWebSocket {
  /** Texts of the frames that came, in order. */
  readonly texts: string[] = [];
  /** Told by the server when it closed. */
  closeCode: number | undefined;
  readonly closed: Promise<void>;
  private received = Buffer.alloc(0);
  private upgraded = false;

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  /** Connected to engine.io, and with a key to socket.io's only namespace. */
  static async open(url: string, token?: string): Promise<RawWebSocket> {
    const { hostname, port } = new URL(url);
    const raw = new RawWebSocket(connect(Number(port), hostname));
    const key = randomBytes(16).toString('base64');
    raw.socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    await raw.text((text) => text.startsWith('0{'));
    if (token === undefined) return raw;
    raw.send(`40${JSON.stringify({ token })}`);
    await raw.text((text) => text.startsWith('40'));
    return raw;
  }

  /** @param length what the frame says of its length; the text's own when it is left out */
  send(text: string, { opcode = TEXT, fin = true, length = Buffer.byteLength(text) } = {}): void {
    const head = Buffer.alloc(14);
    head[0] = (fin ? 0x80 : 0) | opcode;
    head[1] = 0x80 | 127; // a masked frame with a length of 64 bits; the mask is zero
    head.writeBigUInt64BE(BigInt(length), 2);
    this.socket.write(Buffer.concat([head, Buffer.from(text)]));
  }

  /** Resolves with the first text that fits. */
  async text(fits: (text: string) => boolean): Promise<string> {
    await until(() => this.texts.some(fits) || this.socket.closed);
    const found = this.texts.find(fits);
    if (found === undefined) throw new Error(`closed with ${this.closeCode}: ${this.texts.join(' ')}`);
    return found;
  }

  private take(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    if (!this.upgraded) {
      const end = this.received.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.upgraded = true;
      this.received = this.received.subarray(end + 4);
    }
    for (let frame = this.frame(); frame !== undefined; frame = this.frame()) {
      if (frame.opcode === TEXT) this.texts.push(frame.payload.toString());
      if (frame.opcode !== CLOSE) continue;
      if (frame.payload.length >= 2) this.closeCode = frame.payload.readUInt16BE();
      this.socket.end();
    }
  }

  /** Takes one whole frame off what was received; a server's are not masked. */
  private frame(): { opcode: number; payload: Buffer } | undefined {
    const { received } = this;
    if (received.length < 2) return undefined;
    const short = (received[1] ?? 0) & 0x7f;
    const start = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (received.length < start) return undefined;
    const length =
      short === 127 ? Number(received.readBigUInt64BE(2)) : short === 126 ? received.readUInt16BE(2) : short;
    if (received.length < start + length) return undefined;
    this.received = received.subarray(start + length);
    return { opcode: (received[0] ?? 0) & 0x0f, payload: received.subarray(start, start + length) };
  }
}
