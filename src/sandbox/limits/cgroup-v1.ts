/** The three controllers of cgroup version 1 that hold a sandbox, each a hierarchy of its own. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hierarchy } from './cgroups.js';
import type { OwnCgroups } from './own-cgroups.js';
import type { ResourceLimits } from './resource-limits.js';

/** Microseconds over which the CPU quota counts: the kernel's default. */
const PERIOD = 100_000;

/** @throws Error naming the controller that is missing */
export async function cgroupV1(own: OwnCgroups, limits: ResourceLimits): Promise<Hierarchy[]> {
  const base = (controller: string): string => {
    const path = own.get(controller);
    if (path === undefined) throw new Error(`the cgroup controller "${controller}" is not mounted`);
    return path;
  };
  const memory = String(limits.memoryBytes);
  return [
    {
      base: base('memory'),
      entrance: 'tasks',
      settings: [
        ['memory.limit_in_bytes', memory],
        // With swap, memory and swap together; it is there only when the kernel accounts for swap.
        ...((await exists(join(base('memory'), SWAP))) ? [[SWAP, memory] as const] : []),
      ],
      counters: [
        {
          file: 'memory.oom_control',
          key: 'oom_kill',
          exceeded: { limit: 'memory', max: limits.memoryBytes },
        },
      ],
    },
    {
      base: base('pids'),
      entrance: 'tasks',
      settings: [['pids.max', String(limits.processes)]],
      counters: [
        { file: 'pids.events', key: 'max', exceeded: { limit: 'processes', max: limits.processes } },
      ],
    },
    {
      base: base('cpu'),
      entrance: 'tasks',
      settings: [
        ['cpu.cfs_period_us', String(PERIOD)],
        ['cpu.cfs_quota_us', String(Math.round(limits.cpus * PERIOD))],
      ],
      counters: [],
      share: { file: 'cpu.shares', usual: '1024', small: '102' },
    },
  ];
}

const SWAP = 'memory.memsw.limit_in_bytes';

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
