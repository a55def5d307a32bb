/** The limiter port: holds a process and everything that it will start within limits. */
import type { ExceededLimit } from '../sandbox.js';

/** One sandbox's processes under their limits. */
export interface Confinement {
  /** The first limit that has been exceeded up to now, if any; also after the end of the processes. */
  exceeded(): Promise<ExceededLimit | undefined>;
  /**
   * Whether its processes give way: where others want the processor too, they get about a tenth of what those get.
   * Without cgroups nothing happens: a nice value is each thread's own, and only root raises one again.
   */
  giveWay(gives: boolean): Promise<void>;
  /** To be called when no process is left; never rejects: what cannot be removed now is swept later. */
  release(): Promise<void>;
}

export abstract class Limiter {
  /** How it holds the limits: the kernel does, or the server looks again and again. */
  abstract readonly means: 'cgroup v2' | 'cgroup v1' | 'watching';

  /** The process must not have started anything yet. @throws Error when it cannot be held */
  abstract confine(pid: number): Promise<Confinement>;

  /** True when this process is held by this limiter, as the kernel sees it. */
  abstract holds(pid: number): Promise<boolean>;

  /** Removes what is this limiter's own; its sandboxes have been released. */
  abstract close(): Promise<void>;
}
