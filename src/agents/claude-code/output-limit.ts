/** Passes the CLI's output on and stops it at a limit: a line or a total that no honest session reaches. */
import { Transform, type TransformCallback } from 'node:stream';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';

const NEWLINE = 0x0a;

export class OutputLimit extends Transform {
  private lineBytes = 0;
  private totalBytes = 0;

  /** Fails with ClaudeCodeError E015 naming the limit that was passed. */
  constructor(private readonly limits: { lineBytes: number; totalBytes: number }) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.totalBytes += chunk.length;
    const lastNewline = chunk.lastIndexOf(NEWLINE);
    // The longest line of a chunk is bounded by the chunk; only a line that spans chunks can grow without bound.
    this.lineBytes = lastNewline === -1 ? this.lineBytes + chunk.length : chunk.length - lastNewline - 1;
    if (this.lineBytes > this.limits.lineBytes) callback(tooMuch('a line', this.limits.lineBytes));
    else if (this.totalBytes > this.limits.totalBytes)
      callback(tooMuch('all output', this.limits.totalBytes));
    else callback(null, chunk);
  }
}

const tooMuch = (what: string, bytes: number) =>
  new ClaudeCodeError('E015', `The agent's output passed the limit: ${what} above ${bytes} bytes.`, {
    details: { limit: 'output', bytes },
  });
