/** Whose a key is, remembered until a key is revoked: a revocation takes effect with the next call. */
import type { Database } from '../persistence/database.js';
import type { Principal } from './principal.js';

/** Keys that are remembered; the one that was learnt first goes first. */
const KEPT = 1000;

/** Milliseconds between two looks at what other processes have written. */
const LOOK_EVERY = 50;

/**
 * Asking the database on each call was a tenth of the profile of `GET /api/executions/:id`. What this process writes is told
 * by `forget`. Another server is kept out (`DirectoryLock`), so that only somebody's shell can revoke a key behind its back:
 * that counts after 50 ms, because looking on each call cost half of what asking had cost.
 */
export class KnownPrincipals {
  readonly #byHash = new Map<string, Principal>();
  #foreign?: number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #changes = 0;

  constructor(private readonly database: Database) {}

  /** @param ask the database; undefined when there is no such key. That is not remembered: it may be made any time. */
  async of(hash: string, ask: () => Promise<Principal | undefined>): Promise<Principal | undefined> {
    const { foreignChanges } = this.database;
    // Other replicas revoke as well, and nobody tells: the row itself is asked each time.
    if (foreignChanges === undefined) return ask();
    this.#look(foreignChanges);
    const known = this.#byHash.get(hash);
    if (known !== undefined) return known;
    const changes = this.#changes;
    const found = await ask();
    // Not when anything was revoked while it was asked for.
    if (found !== undefined && changes === this.#changes) this.#remember(hash, found);
    return found;
  }

  /** To be called when a key was revoked, before anybody is told so. */
  forget(): void {
    this.#changes += 1;
    this.#byHash.clear();
  }

  #look(changes: () => number): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_EVERY) return;
    this.#lookedAt = now;
    const foreign = changes();
    if (foreign !== this.#foreign) this.forget();
    this.#foreign = foreign;
  }

  #remember(hash: string, principal: Principal): void {
    const oldest = this.#byHash.keys().next().value;
    if (this.#byHash.size >= KEPT && oldest !== undefined) this.#byHash.delete(oldest);
    this.#byHash.set(hash, principal);
  }
}
