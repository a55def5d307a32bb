/** Passes the CLI's output on and stops it at a limit: a line, a total or a silence that no honest session reaches. */
import { Transform, type TransformCallback } from 'node:stream';
import { ClaudeCodeError } from '../errors/claude-code.error.js';

const NEWLINE = 0x0a;
/**
 * Bytes that a line counts at least: what it costs to parse. Without it, 8 MiB of `y` lines kept the server's one thread
 * busy for half a minute; the CLI's own lines have about 300 bytes and more.
 */
const LINE_MIN = 256;

export interface OutputLimits {
  lineBytes: number;
  totalBytes: number;
  /** Milliseconds without a byte, once output is awaited. */
  idleMs: number;
}

export class OutputLimit extends Transform {
  private lineBytes = 0;
  private totalBytes = 0;
  private silence: NodeJS.Timeout | undefined;

  /**
   * Fails with ClaudeCodeError E015 naming the limit that was passed, E001 for silence.
   * @param seen is shown everything before it is passed on
   */
  constructor(
    private readonly limits: OutputLimits,
    private readonly seen: (chunk: Buffer) => void = () => undefined,
  ) {
    super();
  }

  /** From now on silence counts, until the output ends: a process without a task may be as silent as it likes. */
  awaitOutput(): void {
    if (this.writableFinished || this.destroyed) return;
    const { idleMs } = this.limits;
    this.silence = setTimeout(() => this.destroy(silent(idleMs)), idleMs);
    // Not by `close` alone: it waits for a reader that may have gone.
    for (const end of ['finish', 'close']) this.once(end, () => clearTimeout(this.silence));
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.silence?.refresh();
    this.totalBytes += Math.max(chunk.length, linesIn(chunk) * LINE_MIN);
    const lastNewline = chunk.lastIndexOf(NEWLINE);
    // The longest line of a chunk is bounded by the chunk; only a line that spans chunks can grow without bound.
    this.lineBytes = lastNewline === -1 ? this.lineBytes + chunk.length : chunk.length - lastNewline - 1;
    if (this.lineBytes > this.limits.lineBytes) callback(tooMuch('a line', this.limits.lineBytes));
    else if (this.totalBytes > this.limits.totalBytes)
      callback(tooMuch('all output', this.limits.totalBytes));
    else {
      this.seen(chunk);
      callback(null, chunk);
    }
  }
}

function linesIn(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

const tooMuch = (what: string, bytes: number) =>
  new ClaudeCodeError('E015', `The agent's output passed the limit: ${what} above ${bytes} bytes.`, {
    details: { limit: 'output', bytes },
  });

const silent = (idleMs: number) =>
  new ClaudeCodeError('E001', `The agent said nothing for ${idleMs} ms.`, {
    details: { limit: 'idle', milliseconds: idleMs },
  });
