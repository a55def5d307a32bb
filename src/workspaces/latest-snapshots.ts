/**
 * The latest snapshot of each workspace, for as long as this process knows that nothing was written since. After a restart
 * nothing is known.
 */
import { randomUUID } from 'node:crypto';
import type { Snapshot } from './workspace.js';

export class LatestSnapshots {
  readonly #latest = new Map<string, Snapshot>();
  /** By workspace, how often it was written to: a snapshot that was taken meanwhile says nothing. */
  readonly #writes = new Map<string, number>();
  /** By workspace, how many short writes are under way. */
  readonly #changing = new Map<string, number>();
  /** Of this process: another one does not know how often this one saw it written to. */
  readonly #life = randomUUID();

  /** @param last somebody is about to write: nobody after them may believe it */
  get(workspaceId: string, last: boolean): Snapshot | undefined {
    const snapshot = this.#latest.get(workspaceId);
    if (last) this.#latest.delete(workspaceId);
    return snapshot;
  }

  async take(
    workspaceId: string,
    scan: () => Promise<Snapshot>,
    isWritten: () => boolean,
  ): Promise<Snapshot> {
    const span = this.span(workspaceId);
    const snapshot = await scan();
    if (span === this.span(workspaceId) && !isWritten()) this.#latest.set(workspaceId, snapshot);
    return snapshot;
  }

  /** A short write. */
  async changing<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    this.drop(workspaceId);
    this.#count(this.#changing, workspaceId, 1);
    try {
      return await work();
    } finally {
      if (this.#count(this.#changing, workspaceId, -1) === 0) this.#changing.delete(workspaceId);
      this.drop(workspaceId);
    }
  }

  isChanging(workspaceId: string): boolean {
    return this.#changing.has(workspaceId);
  }

  drop(workspaceId: string): void {
    this.#count(this.#writes, workspaceId, 1);
    this.#latest.delete(workspaceId);
  }

  /** Names the time since the workspace was last written to, in all processes that there ever are. */
  span(workspaceId: string): string {
    return `${this.#life} ${this.#writes.get(workspaceId) ?? 0}`;
  }

  #count(counts: Map<string, number>, workspaceId: string, by: number): number {
    const count = (counts.get(workspaceId) ?? 0) + by;
    counts.set(workspaceId, count);
    return count;
  }
}
