/** Where there are no cgroups: looks at a sandbox's processes again and again, and tells when they are too much. */
import type { ExceededLimit } from '../sandbox.js';
import { type Confinement, Limiter } from './limiter.js';
import { allProcesses, below, type ProcessRow, proportionalBytes, sum } from './process-tree.js';
import type { ResourceLimits } from './resource-limits.js';

/** Milliseconds for which one look at all processes serves every sandbox. */
const FRESH = 100;
export class ProcessWatcher extends Limiter {
  readonly means = 'watching';
  #look?: { at: number; rows: Promise<ProcessRow[]> };

  constructor(private readonly limits: ResourceLimits) {
    super();
  }

  confine(): Promise<Confinement> {
    let pid: number | undefined;
    let exceeded: ExceededLimit | undefined;
    return Promise.resolve({
      entrances: [],
      entered: (bwrap) => (pid = bwrap),
      exceeded: async () => (exceeded ??= pid === undefined ? undefined : await this.#measure(pid)),
      giveWay: () => Promise.resolve(),
      release: () => Promise.resolve(),
    });
  }

  holds(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #measure(pid: number): Promise<ExceededLimit | undefined> {
    const { processes, memoryBytes } = this.limits;
    const tree = below(pid, await this.#rows());
    if (sum(tree, ({ threads }) => threads) > processes) return { limit: 'processes', max: processes };
    // What is shared is counted again and again here: only when even that is too much, it is looked at closely.
    if (sum(tree, ({ residentBytes }) => residentBytes) <= memoryBytes) return undefined;
    const shares = await Promise.all(tree.map(proportionalBytes));
    return sum(shares, (bytes) => bytes) > memoryBytes ? { limit: 'memory', max: memoryBytes } : undefined;
  }

  #rows(): Promise<ProcessRow[]> {
    const now = performance.now();
    if (this.#look === undefined || now - this.#look.at > FRESH)
      this.#look = { at: now, rows: allProcesses() };
    return this.#look.rows;
  }
}
