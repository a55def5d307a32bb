/** Where there are no cgroups: looks at a sandbox's processes again and again, and tells when they are too much. */
import { readdir, readFile } from 'node:fs/promises';
import type { ExceededLimit } from '../sandbox.js';
import { type Confinement, Limiter } from './limiter.js';
import type { ResourceLimits } from './resource-limits.js';

/** Milliseconds for which one look at all processes serves every sandbox. */
const FRESH = 100;
/** Bytes of a page: what /proc/<pid>/stat counts in. 4096 is the least; where pages are larger, PSS decides sooner. */
const PAGE = 4096;
/** Positions among the fields behind the name in /proc/<pid>/stat (proc(5): fields 4, 20 and 24). */
const PARENT = 1;
const THREADS = 17;
const RESIDENT_PAGES = 21;

interface ProcessRow {
  pid: number;
  parent: number;
  threads: number;
  residentBytes: number;
}

export class ProcessWatcher extends Limiter {
  readonly means = 'watching';
  #look?: { at: number; rows: Promise<ProcessRow[]> };

  constructor(private readonly limits: ResourceLimits) {
    super();
  }

  confine(pid: number): Promise<Confinement> {
    let exceeded: ExceededLimit | undefined;
    return Promise.resolve({
      exceeded: async () => (exceeded ??= await this.#measure(pid)),
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

/** The process and all its descendants: whoever loses its parent in a sandbox is given to the sandbox's init. */
function below(pid: number, rows: readonly ProcessRow[]): ProcessRow[] {
  const children = Map.groupBy(rows, ({ parent }) => parent);
  const found = rows.filter((row) => row.pid === pid);
  for (const row of found) found.push(...(children.get(row.pid) ?? []));
  return found;
}

async function allProcesses(): Promise<ProcessRow[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return (await Promise.all(pids.map(rowOf))).flat();
}

async function rowOf(pid: string): Promise<ProcessRow[]> {
  const stat = await read(`/proc/${pid}/stat`);
  if (stat === undefined) return [];
  // The name in parentheses may hold anything, so the fields are looked for behind the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [
    {
      pid: Number(pid),
      parent: Number(fields[PARENT]),
      threads: Number(fields[THREADS]),
      residentBytes: Number(fields[RESIDENT_PAGES]) * PAGE,
    },
  ];
}

/** Memory of a process with its part of what it shares; all of it when the process has closed itself to such looks. */
async function proportionalBytes({ pid, residentBytes }: ProcessRow): Promise<number> {
  const pss = /^Pss:\s+(\d+) kB$/m.exec((await read(`/proc/${pid}/smaps_rollup`)) ?? '')?.[1];
  return pss === undefined ? residentBytes : Number(pss) * 1024;
}

const NOTHING_TO_SEE: ReadonlySet<unknown> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);

/** Undefined when the process is gone, or not ours to look at. @throws Error when nothing can be seen at all (EMFILE) */
async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (NOTHING_TO_SEE.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
