/** The order in which waiting executions run: start-time fair queueing, so that no user can starve another. */

export interface Waiting {
  executionId: string;
  userId: string;
}

interface Entry extends Waiting {
  /** Virtual start time: the round in which it may run. */
  round: number;
}

/**
 * A user's n-th waiting execution is placed n rounds after the round that runs now, so it stands behind everyone's
 * (n−1)-th; within a round the order is that of arrival. (Start-time fair queueing: Goyal, Vin, Cheng, SIGCOMM 1996.)
 */
export class FairQueue {
  private entries: Entry[] = [];
  private readonly nextRound = new Map<string, number>();
  private currentRound = 0;

  get size(): number {
    return this.entries.length;
  }

  push(waiting: Waiting): void {
    const round = Math.max(this.currentRound, this.nextRound.get(waiting.userId) ?? 0);
    this.nextRound.set(waiting.userId, round + 1);
    // From the end: arrivals mostly belong there, so this is short although the search is linear.
    const after = this.entries.findLastIndex((entry) => entry.round <= round);
    this.entries.splice(after + 1, 0, { ...waiting, round });
  }

  /** The next one to run, or undefined when nothing waits. */
  shift(): Waiting | undefined {
    const next = this.entries.shift();
    if (next === undefined) return undefined;
    this.currentRound = next.round;
    if (this.entries.length === 0) this.nextRound.clear();
    return next;
  }

  /** Takes one out wherever it stands; false when it does not wait here. */
  remove(executionId: string): boolean {
    const index = this.entries.findIndex((entry) => entry.executionId === executionId);
    if (index !== -1) this.entries.splice(index, 1);
    return index !== -1;
  }
}
