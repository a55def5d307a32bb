/** Who may use a workspace together: any number who share it, or one alone. In this process; in the order in which they came. */
import { KeyedLock } from './keyed-lock.js';

export class WorkspaceLease {
  /** Passed by everybody on the way in, and held by the one who is alone. */
  readonly #gate = new KeyedLock();
  readonly #sharing = new Map<string, Set<Promise<void>>>();
  readonly #writers = new Map<string, number>();

  /** Beside others who share it or write to it, never beside one who is alone. */
  async shared<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const sharing = await this.#gate.run(workspaceId, () => {
      const all = this.#sharing.get(workspaceId) ?? new Set();
      this.#sharing.set(workspaceId, all.add(promise));
      return Promise.resolve(all);
    });
    try {
      return await work();
    } finally {
      resolve();
      sharing.delete(promise);
      if (sharing.size === 0 && this.#sharing.get(workspaceId) === sharing) this.#sharing.delete(workspaceId);
    }
  }

  /** For long: an agent that writes. Nobody waits for it; whoever wants to be alone asks `isWritten`. */
  async writing<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    const count = (by: number) =>
      this.#writers.set(workspaceId, (this.#writers.get(workspaceId) ?? 0) + by).get(workspaceId) ?? 0;
    await this.#gate.run(workspaceId, () => Promise.resolve(count(1)));
    try {
      return await work();
    } finally {
      if (count(-1) === 0) this.#writers.delete(workspaceId);
    }
  }

  isWritten(workspaceId: string): boolean {
    return this.writers(workspaceId) > 0;
  }

  /** How many write for long. */
  writers(workspaceId: string): number {
    return this.#writers.get(workspaceId) ?? 0;
  }

  /** Alone: after all who share it, and before all who come later. */
  exclusive<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    return this.#gate.run(workspaceId, async () => {
      for (const done of this.#sharing.get(workspaceId) ?? []) await done;
      return work();
    });
  }
}
