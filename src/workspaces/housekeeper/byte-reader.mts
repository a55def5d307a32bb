/** Reads a stream of bytes in pieces of given lengths. */
import { Failure } from './failure.mts';

export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(content: AsyncIterable<Buffer>) {
    this.#chunks = content[Symbol.asyncIterator]();
  }

  /** @throws Failure E012 when the stream ends before */
  async *piece(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0;) {
      const part = await this.#part(left);
      left -= part.length;
      yield part;
    }
  }

  async read(length: number): Promise<Buffer> {
    const parts = await Array.fromAsync(this.piece(length));
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) left -= (await this.#part(left)).length;
  }

  /** What comes next, so many bytes at most. */
  async #part(atMost: number): Promise<Buffer> {
    if (this.#rest.length === 0) this.#rest = await this.#next();
    const part = this.#rest.subarray(0, atMost);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  async #next(): Promise<Buffer> {
    const next = await this.#chunks.next();
    if (next.done === true) throw new Failure('E012', 'the stored files ended before they were whole');
    return next.value;
  }
}
