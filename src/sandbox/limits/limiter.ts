/** The limiter port: makes places in which processes are held within limits. */
import type { ExceededLimit } from '../sandbox.js';

/** A place for one sandbox's processes, with its limits set. */
export interface Confinement {
  /**
   * Descriptors of files of the host's: a process that writes `0` into each is held from then on, with everything that
   * it will start. They are the server's until `entered` is called.
   */
  readonly entrances: readonly number[];
  /** To be called when the sandbox stands, with the process id of its bubblewrap. */
  entered(bwrap: number): void;
  /** The first limit that has been exceeded up to now, if any; also after the end of the processes. */
  exceeded(): Promise<ExceededLimit | undefined>;
  /**
   * Whether its processes give way: where others want the processor too, they get about a tenth of what those get.
   * Without cgroups nothing happens: a nice value is each thread's own, and only root raises one again.
   */
  giveWay(gives: boolean): Promise<void>;
  /**
   * To be called when no process is left, also when none has been started; never rejects: what cannot be removed now is
   * swept later.
   */
  release(): Promise<void>;
}

export abstract class Limiter {
  /** How it holds the limits: the kernel does, or the server looks again and again. */
  abstract readonly means: 'cgroup v2' | 'cgroup v1' | 'watching';

  /** @throws Error when no place can be made */
  abstract confine(): Promise<Confinement>;

  /** True when this process is held by this limiter, as the kernel sees it. */
  abstract holds(pid: number): Promise<boolean>;

  /** Removes what is this limiter's own; its sandboxes have been released. */
  abstract close(): Promise<void>;
}
