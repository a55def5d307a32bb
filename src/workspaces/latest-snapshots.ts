/**
 * The latest snapshot of each workspace, for as long as this process knows that nothing was written since. After a restart
 * nothing is known.
 */
import type { Snapshot } from './workspace.js';

export class LatestSnapshots {
  readonly #latest = new Map<string, Snapshot>();
  /** Changes with whatever is written: a snapshot that was taken meanwhile says nothing. */
  #writes = 0;

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
    const writes = this.#writes;
    const snapshot = await scan();
    if (writes === this.#writes && !isWritten()) this.#latest.set(workspaceId, snapshot);
    return snapshot;
  }

  /** A short write. */
  async changing<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    this.drop(workspaceId);
    try {
      return await work();
    } finally {
      this.drop(workspaceId);
    }
  }

  drop(workspaceId: string): void {
    this.#writes += 1;
    this.#latest.delete(workspaceId);
  }
}
