/** The one tree of cgroup version 2, where the server's own cgroup has been delegated to it with its controllers. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hierarchy } from './cgroups.js';
import type { OwnCgroups } from './own-cgroups.js';
import type { ResourceLimits } from './resource-limits.js';

const CONTROLLERS = ['memory', 'pids', 'cpu'];
const HANDED_DOWN = CONTROLLERS.map((name) => `+${name}`).join(' ');
/** Microseconds over which the CPU quota counts: the kernel's default. */
const PERIOD = 100_000;

/** @throws Error saying what is missing or not allowed */
export async function cgroupV2(own: OwnCgroups, limits: ResourceLimits): Promise<Hierarchy[]> {
  const base = own.get('');
  if (base === undefined) throw new Error('cgroup version 2 is not mounted');
  const here = (await readFile(join(base, 'cgroup.controllers'), 'utf8')).trim().split(' ');
  const missing = CONTROLLERS.filter((name) => !here.includes(name));
  if (missing.length > 0) throw new Error(`cgroup version 2 has no controller ${missing.join(', ')} here`);
  await handDown(base);
  return [
    {
      base,
      handsDown: HANDED_DOWN,
      entrance: 'cgroup.procs',
      settings: [
        ['memory.max', String(limits.memoryBytes)],
        ...((await hasSwap()) ? [['memory.swap.max', '0'] as const] : []),
        // All or nothing: a sandbox that lost one process to its limit is at its end.
        ['memory.oom.group', '1'],
        ['pids.max', String(limits.processes)],
        ['cpu.max', `${Math.round(limits.cpus * PERIOD)} ${PERIOD}`],
      ],
      counters: [
        {
          file: 'memory.events',
          key: 'oom_kill',
          exceeded: { limit: 'memory', max: limits.memoryBytes },
        },
        { file: 'pids.events', key: 'max', exceeded: { limit: 'processes', max: limits.processes } },
      ],
      share: { file: 'cpu.weight', usual: '100', small: '10' },
    },
  ];
}

/**
 * A cgroup hands its controllers down only when no process is in it (but the root's): then the server steps into a
 * cgroup of its own below, and those that started it with it.
 */
async function handDown(base: string): Promise<void> {
  const control = join(base, 'cgroup.subtree_control');
  try {
    await writeFile(control, HANDED_DOWN);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    const leaf = join(base, 'caisson-server');
    await mkdir(leaf, { recursive: true });
    const here = (await readFile(join(base, 'cgroup.procs'), 'utf8')).split('\n');
    for (const pid of await lineage())
      if (here.includes(pid)) await writeFile(join(leaf, 'cgroup.procs'), pid);
    await writeFile(control, HANDED_DOWN);
  }
}

/** This process and its ancestors (npm, a container's init), as far as they are seen. */
async function lineage(): Promise<string[]> {
  const pids: string[] = [];
  for (let pid: string | undefined = String(process.pid); pid !== undefined && pid !== '0';) {
    pids.push(pid);
    pid = /^PPid:\t(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  }
  return pids;
}

/** The file memory.swap.max is there only when the kernel was built with swap. */
const hasSwap = (): Promise<boolean> =>
  readFile('/proc/swaps').then(
    () => true,
    () => false,
  );
