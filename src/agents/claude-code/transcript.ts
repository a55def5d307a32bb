/** The conversation of one session as its CLI tells it: opaque lines, kept up to a limit and without secrets. */
import type { SessionStore } from '@anthropic-ai/claude-agent-sdk';
import type { Redactor } from '../../redaction/redactor.js';

export interface TranscriptLimits {
  /** Of the whole; a larger one is not kept at all, for its beginning alone would be another conversation. */
  maxBytes: number;
  redactor: Redactor;
}

/** The Agent SDK hands it what the process in the sandbox says: nothing of it is believed, or looked into. */
export class Transcript implements SessionStore {
  private lines: string[] = [];
  private bytes = 0;
  private lost = false;

  /** @param sessionId what is told of another one is not taken */
  constructor(
    private readonly sessionId: string,
    private readonly limits: TranscriptLimits,
  ) {}

  append: SessionStore['append'] = ({ sessionId, subpath }, entries) => {
    if (sessionId === this.sessionId && subpath === undefined) for (const entry of entries) this.take(entry);
    return Promise.resolve();
  };

  /** The CLI goes on from a file in its sandbox; the SDK has nothing to load. */
  load: SessionStore['load'] = () => Promise.resolve(null);

  /** JSON lines; undefined when nothing was told, or not all of it is known. */
  content(): Buffer | undefined {
    return this.lost || this.lines.length === 0 ? undefined : Buffer.from(this.lines.join(''));
  }

  private take(entry: unknown): void {
    if (this.lost) return;
    try {
      const line = `${JSON.stringify(this.limits.redactor.value(entry))}\n`;
      this.bytes += Buffer.byteLength(line);
      this.lines.push(line);
    } catch (error) {
      // JSON can be nested deeper than any code can follow it.
      if (!(error instanceof RangeError)) throw error;
      this.lost = true;
    }
    if (this.bytes > this.limits.maxBytes) this.lost = true;
    if (this.lost) this.lines = [];
  }
}
