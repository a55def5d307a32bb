/** What an archive may unpack to in relation to its own size, watched while it streams by. */
import { Transform } from 'node:stream';
import { Failure } from './failure.mts';
import type { ArchiveLimits } from './protocol.mts';

/** Bytes that may come of any archive whatever its ratio: a few empty files and a tar's padding compress a thousandfold. */
const FREE = 8 * 1024 * 1024;

export class Budget {
  readonly #limits: ArchiveLimits;
  #packed = 0;
  #unpacked = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  get packed(): number {
    return this.#packed;
  }

  /** @throws Failure E015 */
  addPacked(bytes: number): void {
    this.#packed += bytes;
    const { maxPackedBytes } = this.#limits;
    if (this.#packed > maxPackedBytes)
      throw new Failure('E015', `the archive is larger than ${maxPackedBytes} bytes`);
  }

  /** @throws Failure E015 */
  addUnpacked(bytes: number): void {
    this.#unpacked += bytes;
    const { maxRatio } = this.#limits;
    if (this.#unpacked > Math.max(FREE, this.#packed * maxRatio))
      throw new Failure('E015', `the archive unpacks to more than ${maxRatio} times its size`);
  }
}

/** Passes bytes on once `count` has agreed to them. */
export const counting = (count: (bytes: number) => void): Transform =>
  new Transform({
    transform(chunk: Buffer, _, done) {
      try {
        count(chunk.length);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
