/** The conversation of one session as its CLI tells it: opaque lines, kept up to a limit and without secrets. */
import type { Redactor } from '../../redaction/redactor.js';

export interface TranscriptLimits {
  /** Of the whole; a larger one is not kept at all, for its beginning alone would be another conversation. */
  maxBytes: number;
  redactor: Redactor;
}

const NEWLINE = 0x0a;
/** How the CLI (2.1.330) begins a line of its output that tells of the transcript. */
const BEGINNING = Buffer.from('{"type":"transcript_mirror",');
/** Where it keeps what it tells of; each working directory has a name of its own there. */
const DIRECTORY = /^\/home\/agent\/\.claude\/projects\/[^/]+$/;

/**
 * Reads along with the CLI's output. Not by the Agent SDK's `sessionStore`: a line that is not as the SDK (0.3.330) expects
 * it throws there where nobody can catch it, and the whole server would end for what one process says.
 */
export class Transcript {
  private lines: string[] = [];
  private bytes = 0;
  private lost = false;
  /** Pieces of the line that has not ended. */
  private pieces: Buffer[] = [];

  /** @param sessionId what is told of another one is not taken */
  constructor(
    private readonly sessionId: string,
    private readonly limits: TranscriptLimits,
  ) {}

  /** The next piece of the output; the length of its lines is bounded elsewhere. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.pieces.push(chunk.subarray(start, end));
      this.end();
      start = end + 1;
    }
    if (start < chunk.length) this.pieces.push(chunk.subarray(start));
  }

  /** JSON lines; undefined when nothing was told, or not all of it is known. */
  content(): Buffer | undefined {
    return this.lost || this.lines.length === 0 ? undefined : Buffer.from(this.lines.join(''));
  }

  private end(): void {
    const [first = Buffer.alloc(0)] = this.pieces;
    const line = this.pieces.length === 1 ? first : Buffer.concat(this.pieces);
    this.pieces = [];
    if (this.lost || !line.subarray(0, BEGINNING.length).equals(BEGINNING)) return;
    try {
      for (const entry of this.entriesOf(String(line))) this.take(entry);
    } catch {
      this.lose(); // no JSON, or nested deeper than any code can follow it
    }
  }

  private entriesOf(line: string): unknown[] {
    const { filePath, entries } = JSON.parse(line) as { filePath?: unknown; entries?: unknown };
    const [, directory = '', name] = /^(.*)\/([^/]*)$/.exec(String(filePath)) ?? [];
    const isOwn = DIRECTORY.test(directory) && name === `${this.sessionId}.jsonl`;
    return isOwn && Array.isArray(entries) ? entries : [];
  }

  private take(entry: unknown): void {
    if (this.lost) return;
    const line = `${JSON.stringify(this.limits.redactor.value(entry))}\n`;
    this.bytes += Buffer.byteLength(line);
    this.lines.push(line);
    if (this.bytes > this.limits.maxBytes) this.lose();
  }

  private lose(): void {
    this.lost = true;
    this.lines = [];
  }
}
