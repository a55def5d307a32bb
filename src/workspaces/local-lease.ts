/** The lease of one process that has its workspaces for itself; in the order in which they came. */
import { randomUUID } from 'node:crypto';
import { KeyedLock } from './keyed-lock.js';
import { type Guard, WorkspaceLease, type Writes } from './workspace-lease.js';

export class LocalLease extends WorkspaceLease {
  /** Passed by everybody on the way in, and held by the one who is alone. */
  readonly #gate = new KeyedLock();
  readonly #sharing = new Map<string, Set<Promise<void>>>();
  readonly #writers = new Map<string, number>();
  readonly #changing = new Map<string, number>();
  readonly #ended = new Map<string, number>();
  /** Of this process: another one does not know how often this one saw it written to. */
  readonly #life = randomUUID();

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

  changing<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    return this.shared(workspaceId, () => this.#counted(this.#changing, workspaceId, work));
  }

  async writing<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    await this.#gate.run(workspaceId, () => Promise.resolve(count(this.#writers, workspaceId, 1)));
    return this.#until(this.#writers, workspaceId, work);
  }

  exclusive<T>(workspaceId: string, work: (holds: Guard) => Promise<T>): Promise<T> {
    return this.#gate.run(workspaceId, async () => {
      for (const done of this.#sharing.get(workspaceId) ?? []) await done;
      return this.#counted(this.#changing, workspaceId, () => work(() => Promise.resolve(true)));
    });
  }

  writes(workspaceId: string): Promise<Writes> {
    return Promise.resolve({
      span: `${this.#life} ${this.#ended.get(workspaceId) ?? 0}`,
      writers: this.#writers.get(workspaceId) ?? 0,
      changing: this.#changing.get(workspaceId) ?? 0,
    });
  }

  #counted<T>(counts: Map<string, number>, workspaceId: string, work: () => Promise<T>): Promise<T> {
    count(counts, workspaceId, 1);
    return this.#until(counts, workspaceId, work);
  }

  /** It has been counted already. */
  async #until<T>(counts: Map<string, number>, workspaceId: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      if (count(counts, workspaceId, -1) === 0) counts.delete(workspaceId);
      count(this.#ended, workspaceId, 1);
    }
  }
}

function count(counts: Map<string, number>, workspaceId: string, by: number): number {
  const now = (counts.get(workspaceId) ?? 0) + by;
  counts.set(workspaceId, now);
  return now;
}
