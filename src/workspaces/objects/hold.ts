/** One who changes a workspace here. Of one who does so for long, what else is kept meanwhile is stored with what it changed. */

export class Hold {
  /** Whether its work failed: then it says nothing of what was changed. */
  failed = false;
  #open = false;
  readonly #joined = new Set<Promise<unknown>>();

  constructor(private readonly kind: 'short' | 'long' = 'short') {}

  /** Resolves when nobody is at work in it any more. */
  async begin<T>(work: () => Promise<T>): Promise<T> {
    this.#open = this.kind === 'long';
    try {
      return await work();
    } catch (error) {
      this.failed = true;
      throw error;
    } finally {
      this.#open = false;
      await Promise.allSettled(this.#joined);
    }
  }

  /** Undefined when it is not for long, or about to end. */
  join<T>(work: () => Promise<T>): Promise<T> | undefined {
    if (!this.#open) return undefined;
    const done = work().finally(() => this.#joined.delete(done));
    this.#joined.add(done);
    return done;
  }
}
