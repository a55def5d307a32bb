/** Processes as /proc tells of them: a process with all its descendants, and the memory that they hold. */
import { readdir, readFile } from 'node:fs/promises';

/** Bytes of a page: what /proc/<pid>/stat counts in. 4096 is the least; where pages are larger, PSS decides sooner. */
const PAGE = 4096;
/** Positions among the fields behind the name in /proc/<pid>/stat (proc(5): fields 4, 20 and 24). */
const PARENT = 1;
const THREADS = 17;
const RESIDENT_PAGES = 21;

export interface ProcessRow {
  pid: number;
  parent: number;
  threads: number;
  residentBytes: number;
}

/** Bytes of memory of a process and all its descendants, what is shared counted by part. */
export async function memoryBelow(pid: number): Promise<number> {
  const shares = await Promise.all(below(pid, await allProcesses()).map(proportionalBytes));
  return sum(shares, (bytes) => bytes);
}

/** The process and all its descendants: whoever loses its parent in a sandbox is given to the sandbox's init. */
export function below(pid: number, rows: readonly ProcessRow[]): ProcessRow[] {
  const children = Map.groupBy(rows, ({ parent }) => parent);
  const found = rows.filter((row) => row.pid === pid);
  for (const row of found) found.push(...(children.get(row.pid) ?? []));
  return found;
}

export async function allProcesses(): Promise<ProcessRow[]> {
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
export async function proportionalBytes({ pid, residentBytes }: ProcessRow): Promise<number> {
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

export const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
