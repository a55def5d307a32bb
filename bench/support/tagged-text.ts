/** Text whose pieces say their number and when they were sent: nothing can be missing, come twice or be late unseen. */

/** For `@deltas … of`: the stand-in fills it in. */
export const TAG = '<{n}@{at}>';

/** Now, on the clock of the tags: milliseconds. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

export class TaggedText {
  /** How old each piece was when it came, milliseconds. */
  readonly ages: number[] = [];
  twice = 0;
  private firstSentAt = Infinity;
  private lastSentAt = -Infinity;
  private readonly seen = new Set<number>();
  private rest = '';

  /** @param text what came now: whole pieces, or parts of them */
  take(text: string): void {
    const at = now();
    const parts = (this.rest + text).split('>');
    this.rest = parts.pop() ?? '';
    for (const part of parts) {
      const [n, sentAt] = part.slice(1).split('@').map(Number);
      if (n === undefined || sentAt === undefined) throw new Error(`not a piece: ${part}`);
      if (this.seen.has(n)) this.twice += 1;
      this.seen.add(n);
      this.ages.push(at - sentAt);
      this.firstSentAt = Math.min(this.firstSentAt, sentAt);
      this.lastSentAt = Math.max(this.lastSentAt, sentAt);
    }
  }

  /** How far apart they were sent, on average: milliseconds. */
  get pace(): number {
    return (this.lastSentAt - this.firstSentAt) / (this.ages.length - 1);
  }

  missing(count: number): number {
    return count - this.seen.size;
  }
}
