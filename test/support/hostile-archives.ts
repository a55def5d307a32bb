/** Archives made byte by byte, because no tool makes the ones that an attacker would. */
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

export interface TarMember {
  name: string | Buffer;
  /** As in the format: 0 file, 1 hard link, 2 symlink, 3 and 4 devices, 5 directory, 6 FIFO. */
  type?: string;
  content?: string | Buffer;
  link?: string;
  mode?: number;
  /** What the header says, whatever the content is. */
  size?: number;
}

const BLOCK = 512;

export const tar = (...members: TarMember[]): Buffer =>
  Buffer.concat([...members.map(tarMember), Buffer.alloc(2 * BLOCK)]);

export const tarGz = (...members: TarMember[]): Buffer => gzipSync(tar(...members));

function tarMember({ name, type = '0', content = '', link = '', mode = 0o644, size }: TarMember): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(BLOCK);
  (typeof name === 'string' ? Buffer.from(name) : name).copy(header, 0, 0, 100);
  header.write(`${octal(mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
  header.write(`${octal(size ?? body.length, 11)}\0${octal(0, 11)}\0        ${type}${link}`, 124);
  header.write('ustar\x0000', 257);
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  );
  return Buffer.concat([header, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

/** A pax header for the next member. */
export function pax(records: Record<string, string>): TarMember {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = Buffer.byteLength(rest);
    while (String(length).length + Buffer.byteLength(rest) !== length)
      length = String(length).length + Buffer.byteLength(rest);
    return `${length}${rest}`;
  });
  return { name: 'PaxHeader', type: 'x', content: lines.join('') };
}

const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');

export interface ZipMember {
  name: string | Buffer;
  content?: string | Buffer;
  /** With its type, as Unix writes it. */
  mode?: number;
  /** What is written instead of the truth. */
  lie?: {
    localName?: string;
    size?: number;
    compressedSize?: number;
    crc?: number;
    flags?: number;
    method?: number;
    offset?: number;
  };
}

/** @param count entries that the end record speaks of, when it lies */
export function zip(members: readonly ZipMember[], count = members.length): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content = '', mode = 0o100644, lie = {} } of members) {
    const body = Buffer.from(content);
    const packed = deflateRawSync(body);
    const central = Buffer.alloc(46);
    const rawName = Buffer.from(name as string);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE((3 << 8) | 20, 4);
    central.writeUInt16LE(20, 6);
    central.writeUInt16LE(lie.flags ?? 0x800, 8);
    central.writeUInt16LE(lie.method ?? 8, 10);
    central.writeUInt32LE(lie.crc ?? crc32(body), 16);
    central.writeUInt32LE(lie.compressedSize ?? packed.length, 20);
    central.writeUInt32LE(lie.size ?? body.length, 24);
    central.writeUInt16LE(rawName.length, 28);
    central.writeUInt32LE((mode << 16) >>> 0, 38);
    central.writeUInt32LE(lie.offset ?? offset, 42);
    directory.push(central, rawName);
    const localName = Buffer.from(lie.localName ?? rawName);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    central.copy(local, 4, 6, 28);
    local.writeUInt16LE(localName.length, 26);
    locals.push(local, localName, packed);
    offset += local.length + localName.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count & 0xffff, 8);
  end.writeUInt16LE(count & 0xffff, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...directory, end]);
}

const ZIP64_FIELD = 0x0001;
const NOT_HERE = 0xffffffff;

/**
 * A zip as a writer makes it who cannot know sizes beforehand: every size and offset, and the directory's own place, in
 * 64 bits. @param lie what the end record and the entries say instead of the truth
 */
export function zip64(
  members: readonly Required<Pick<ZipMember, 'name' | 'content'>>[],
  lie: { count?: bigint; size?: bigint; offset?: bigint; directory?: bigint } = {},
): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of members) {
    const [rawName, body] = [Buffer.from(name as string), Buffer.from(content as string)];
    const packed = deflateRawSync(body);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(45, 0);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(body), 10);
    common.writeUInt32LE(NOT_HERE, 14);
    common.writeUInt32LE(NOT_HERE, 18);
    common.writeUInt16LE(rawName.length, 22);
    const sizes = words(lie.size ?? BigInt(body.length), BigInt(packed.length));
    const local = Buffer.concat([uint32(0x04034b50), common, rawName, field(sizes), packed]);
    local.writeUInt16LE(field(sizes).length, 28);
    const extra = field(Buffer.concat([sizes, words(lie.offset ?? BigInt(offset))]));
    const central = Buffer.concat([uint32(0x02014b50), Buffer.from([45, 3]), common, Buffer.alloc(14)]);
    central.writeUInt16LE(extra.length, 30);
    central.writeUInt32LE((0o100644 << 16) >>> 0, 38);
    central.writeUInt32LE(NOT_HERE, 42);
    directory.push(central, rawName, extra);
    locals.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const count = lie.count ?? BigInt(members.length);
  const end64 = Buffer.concat([
    ...[uint32(0x06064b50), words(44n), Buffer.from([45, 3, 45, 0]), Buffer.alloc(8)],
    words(count, count, BigInt(entries.length), lie.directory ?? BigInt(offset)),
  ]);
  const locator = Buffer.concat([
    ...[uint32(0x07064b50), uint32(0), words(BigInt(offset + entries.length)), uint32(1)],
  ]);
  const end = Buffer.concat([uint32(0x06054b50), Buffer.alloc(18)]);
  end.fill(0xff, 8, 20);
  return Buffer.concat([...locals, entries, end64, locator, end]);
}

function field(content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(ZIP64_FIELD, 0);
  head.writeUInt16LE(content.length, 2);
  return Buffer.concat([head, content]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

const words = (...values: bigint[]): Buffer => Buffer.from(BigUint64Array.from(values).buffer);
