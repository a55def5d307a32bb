/**
 * Reads the name of the server from the first message of TLS, whatever pieces it comes in (RFC 8446 4.1.2 and 5.1,
 * RFC 6066 3). Strict: what another reader could understand otherwise is refused, and so is what hides the name.
 */
import { hostName } from '../config/host-pattern.js';
import { EgressRefusal } from './refusal.js';

/** Bytes with all framing. Those of today are below 2 KiB, with post-quantum keys; OpenSSL takes no more than 16 KiB + 4. */
const MAX_HELLO_BYTES = 20_480;
const RECORD_HEADER_BYTES = 5;
/** RFC 8446 5.1. */
const MAX_RECORD_BYTES = 16_384;
/** Of one message: nobody cuts it into more but to be misread. */
const MAX_RECORDS = 8;
const HANDSHAKE_RECORD = 22;
const TLS_MAJOR = 3;
const MESSAGE_HEADER_BYTES = 4;
const CLIENT_HELLO = 1;
const RANDOM_BYTES = 32;
const MAX_SESSION_ID_BYTES = 32;
const SERVER_NAME = 0;
const HOST_NAME = 0;
/** Encrypted ClientHello and its forerunner: the name that can be read is not the one that is meant. */
const HIDING: ReadonlySet<number> = new Set([0xfe0d, 0xffce]);

/**
 * @param bytes all that the client has sent so far
 * @returns the host's name in its one spelling; undefined while the message is not whole
 * @throws EgressRefusal when it is no such message, names no host, more than one, or hides which
 */
export function serverNameOf(bytes: Buffer): string | undefined {
  const message = messageIn(bytes);
  if (message === undefined) {
    if (bytes.length >= MAX_HELLO_BYTES) throw new EgressRefusal('no-tls');
    return undefined;
  }
  return nameIn(extensionsOf(message));
}

/** The body of the ClientHello, joined from its records. */
function messageIn(bytes: Buffer): Buffer | undefined {
  let message = Buffer.alloc(0);
  let rest = bytes;
  for (let count = 0; count < MAX_RECORDS; count += 1) {
    const record = firstRecord(rest);
    if (record === undefined) return undefined;
    const { content, length } = record;
    const wanted = lengthOf(Buffer.concat([message, content]));
    // The record ends with the message or before: what followed in there, another reader might take for something else.
    if (wanted !== undefined && message.length + length > wanted) throw new EgressRefusal('no-tls');
    if (content.length < length) return undefined;
    message = Buffer.concat([message, content]);
    if (message.length === wanted) return message.subarray(MESSAGE_HEADER_BYTES);
    rest = rest.subarray(RECORD_HEADER_BYTES + length);
  }
  throw new EgressRefusal('no-tls');
}

/** What is there of the first record; undefined while its header is not. Other protocols are told by their first bytes. */
function firstRecord(bytes: Buffer): { content: Buffer; length: number } | undefined {
  const [type = HANDSHAKE_RECORD, major = TLS_MAJOR] = bytes;
  if (type !== HANDSHAKE_RECORD || major !== TLS_MAJOR) throw new EgressRefusal('no-tls');
  if (bytes.length < RECORD_HEADER_BYTES) return undefined;
  const length = bytes.readUInt16BE(3);
  if (length === 0 || length > MAX_RECORD_BYTES) throw new EgressRefusal('no-tls');
  return { content: bytes.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + length), length };
}

/** Bytes of the whole message, once its header is there. */
function lengthOf(start: Buffer): number | undefined {
  if (start.length > 0 && start[0] !== CLIENT_HELLO) throw new EgressRefusal('no-tls');
  if (start.length < MESSAGE_HEADER_BYTES) return undefined;
  const length = MESSAGE_HEADER_BYTES + start.readUIntBE(1, 3);
  if (length > MAX_HELLO_BYTES) throw new EgressRefusal('no-tls');
  return length;
}

function extensionsOf(message: Buffer): Map<number, Fields> {
  const fields = new Fields(message);
  fields.take(2 + RANDOM_BYTES);
  if (fields.vector(1).length > MAX_SESSION_ID_BYTES) throw new EgressRefusal('no-tls');
  fields.vector(2); // cipher suites
  fields.vector(1); // compression methods
  const extensions = new Map<number, Fields>();
  if (fields.empty) return extensions;
  const list = new Fields(fields.vector(2));
  fields.end();
  while (!list.empty) {
    const type = list.number(2);
    if (extensions.has(type)) throw new EgressRefusal('no-tls');
    extensions.set(type, new Fields(list.vector(2)));
  }
  return extensions;
}

function nameIn(extensions: ReadonlyMap<number, Fields>): string {
  if ([...extensions.keys()].some((type) => HIDING.has(type))) throw new EgressRefusal('hidden-server-name');
  const extension = extensions.get(SERVER_NAME);
  if (extension === undefined) throw new EgressRefusal('no-server-name');
  const names = new Fields(extension.vector(2));
  extension.end();
  if (names.number(1) !== HOST_NAME) throw new EgressRefusal('no-server-name');
  const name = names.vector(2).toString('latin1');
  names.end(); // one name, no more
  const given = hostName(name);
  if ('wrong' in given) throw new EgressRefusal('other-server-name');
  return given.name;
}

/** Reads one field after the other; what is not there in full is no TLS. */
class Fields {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get empty(): boolean {
    return this.at === this.bytes.length;
  }

  take(length: number): Buffer {
    const part = this.bytes.subarray(this.at, this.at + length);
    if (part.length < length) throw new EgressRefusal('no-tls');
    this.at += length;
    return part;
  }

  /** A number of this many bytes. */
  number(width: number): number {
    return this.take(width).readUIntBE(0, width);
  }

  /** Bytes that stand behind their length, a number of this many bytes. */
  vector(width: number): Buffer {
    return this.take(this.number(width));
  }

  end(): void {
    if (!this.empty) throw new EgressRefusal('no-tls');
  }
}
