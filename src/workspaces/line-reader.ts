/** Reads what a housekeeper writes: lines first, bytes after them, never more than was agreed. */
import type { Readable } from 'node:stream';
import { ClaudeCodeError } from '../errors/claude-code.error.js';

/** Reads one line, without its newline, and leaves the rest in the stream; undefined when the stream ends before. */
export async function readLine(stream: Readable, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const value of stream.iterator({ destroyOnReturn: false })) {
    const chunk = value as Buffer;
    const end = chunk.indexOf(10);
    chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
    if (end >= 0) {
      stream.unshift(chunk.subarray(end + 1));
      return Buffer.concat(chunks).toString('utf8');
    }
    length += chunk.length;
    if (length > maxBytes) throw tooMuch();
  }
  return undefined;
}

/** Everything up to the stream's end. @throws ClaudeCodeError E015 above `maxBytes` */
export async function readAll(stream: Readable, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) throw tooMuch();
  }
  return Buffer.concat(chunks).toString('utf8');
}

const tooMuch = () => new ClaudeCodeError('E015', 'the workspace holds more than can be told at once');
