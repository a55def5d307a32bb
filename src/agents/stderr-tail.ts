/** Keeps the end of what a process wrote to its standard error: what explains a crash in the log. */
import { Writable } from 'node:stream';

const KEPT_BYTES = 8 * 1024;

export class StderrTail extends Writable {
  private kept = Buffer.alloc(0);

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.kept = Buffer.concat([this.kept, chunk]).subarray(-KEPT_BYTES);
    callback();
  }

  override toString(): string {
    return this.kept.toString('utf8');
  }
}
