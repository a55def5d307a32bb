/** Workspaces of nobody that are ready to become somebody's, in the order in which they were offered. */

export interface WaitingWorkspace {
  id: string;
  /** Called once, when it has become somebody's. */
  taken: () => void;
}

export class WaitingRoom {
  readonly #offered = new Map<string, WaitingWorkspace>();

  offer(workspace: WaitingWorkspace): void {
    this.#offered.set(workspace.id, workspace);
  }

  /** Takes out the one that has waited longest. */
  next(): WaitingWorkspace | undefined {
    const [first] = this.#offered.values();
    if (first !== undefined) this.#offered.delete(first.id);
    return first;
  }

  /** Takes this one out; false when it is not there (any more). */
  withdraw(id: string): boolean {
    return this.#offered.delete(id);
  }
}
