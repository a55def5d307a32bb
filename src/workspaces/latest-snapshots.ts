/**
 * The latest snapshot of each workspace, for as long as this process knows that nothing was written since. After a restart
 * nothing is known; with several processes nothing ever is: one that was given up for lost, and is not dead yet, may write
 * when nobody counts it any more.
 */
import type { Snapshot } from './workspace.js';
import type { Writes } from './workspace-lease.js';

export class LatestSnapshots {
  readonly #latest = new Map<string, { snapshot: Snapshot; span: string }>();

  constructor(private readonly knows: boolean) {}

  /** Somebody who writes is about to: nobody after them may believe it. */
  get(workspaceId: string, { span, writers }: Writes): Snapshot | undefined {
    const latest = this.#latest.get(workspaceId);
    if (latest?.span !== span || writers > 0) this.#latest.delete(workspaceId);
    return latest?.span === span ? latest.snapshot : undefined;
  }

  put(workspaceId: string, snapshot: Snapshot, span: string): void {
    if (this.knows) this.#latest.set(workspaceId, { snapshot, span });
  }
}
