/** Chooses how the limits are held here: by cgroups where the server may make some, by watching where it may not. */
import { cgroupV1 } from './cgroup-v1.js';
import { cgroupV2 } from './cgroup-v2.js';
import { Cgroups } from './cgroups.js';
import type { Limiter } from './limiter.js';
import { ownCgroups } from './own-cgroups.js';
import { ProcessWatcher } from './process-watcher.js';
import type { ResourceLimits } from './resource-limits.js';

export interface ChosenLimiter {
  limiter: Limiter;
  /** Why there are no cgroups to be had; undefined when there are. */
  shortfall?: string;
}

const VERSIONS = [
  ['cgroup v2', cgroupV2],
  ['cgroup v1', cgroupV1],
] as const;

export async function chooseLimiter(limits: ResourceLimits): Promise<ChosenLimiter> {
  const own = await ownCgroups();
  const reasons: string[] = [];
  for (const [means, hierarchies] of VERSIONS)
    try {
      return { limiter: await Cgroups.open(means, await hierarchies(own, limits)) };
    } catch (error) {
      reasons.push(`${means}: ${error instanceof Error ? error.message : String(error)}`);
    }
  return { limiter: new ProcessWatcher(limits), shortfall: reasons.join('; ') };
}
