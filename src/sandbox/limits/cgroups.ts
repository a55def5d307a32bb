/** A cgroup for each sandbox: the kernel holds the limits and counts how often they were met. Versions 1 and 2 alike. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExceededLimit } from '../sandbox.js';
import { type Confinement, Limiter } from './limiter.js';
import { isServerAlive, startOfThisServer } from './server-identity.js';

/** A tree of cgroups: all of version 2, or one controller of version 1. */
export interface Hierarchy {
  /** Absolute path of the cgroup in which ours are made: the server's own. */
  base: string;
  /** Files of a sandbox's cgroup with what is written to them. */
  settings: readonly (readonly [file: string, value: string])[];
  /** File of a sandbox's cgroup by which a process steps in. */
  entrance: 'cgroup.procs' | 'tasks';
  /** Lines `key count` of files of a sandbox's cgroup; a count above 0 means that the limit was met. */
  counters: readonly { file: string; key: string; exceeded: ExceededLimit }[];
  /** The file of its share of the processor among others, with a usual one and a small one; where it is held here. */
  share?: { file: string; usual: string; small: string };
  /** Controllers that a cgroup hands to those below it; version 2 only. */
  handsDown?: string;
}

/** What is ours in a base, as `nameFor` writes it. */
const OURS = /^caisson-(\d+)-(\d+)-[0-9a-f]+$/;
const nameFor = async () =>
  `caisson-${process.pid}-${await startOfThisServer()}-${randomBytes(4).toString('hex')}`;

/** Milliseconds between tries, and tries, to remove a cgroup whose last process is on its way out. */
const REMOVE_EVERY = 10;
const REMOVE_TRIES = 100;

export class Cgroups extends Limiter {
  /** The next place: made while nobody waits for it. */
  #next: Promise<Confinement> | undefined;

  private constructor(
    readonly means: 'cgroup v2' | 'cgroup v1',
    private readonly hierarchies: readonly Hierarchy[],
    private readonly name: string,
  ) {
    super();
  }

  /** Makes this server's own cgroup and removes those of servers that are gone. @throws Error when it may not */
  static async open(means: 'cgroup v2' | 'cgroup v1', hierarchies: readonly Hierarchy[]): Promise<Cgroups> {
    const cgroups = new Cgroups(means, hierarchies, await nameFor());
    for (const { base } of hierarchies) await sweep(base);
    await cgroups.#provide();
    return cgroups;
  }

  /**
   * A process steps in by itself: into version 1 that takes no time, where moving another one waits for all readers of a
   * lock of the kernel's, 8 ms of a start of 9 (measured; cgroup_procs_write_start of Linux' kernel/cgroup/cgroup.c).
   */
  async confine(): Promise<Confinement> {
    const ready = this.#next ?? this.#make();
    this.#next = undefined;
    return ready;
  }

  #makeAhead(): void {
    if (this.#next !== undefined) return;
    const next = this.#make();
    this.#next = next;
    next.catch(() => {
      if (this.#next === next) this.#next = undefined; // whoever needs one makes it, and is told why it fails
    });
  }

  async #make(): Promise<Confinement> {
    // What is inside sees it in /proc/self/cgroup: not a count, which would tell of the others.
    const id = randomBytes(8).toString('hex');
    const parts = this.hierarchies.map((hierarchy) => ({
      ...hierarchy,
      path: join(hierarchy.base, this.name, id),
    }));
    const doors: FileHandle[] = [];
    const shut = async () => {
      await Promise.all(doors.splice(0).map((door) => door.close()));
    };
    let released = false;
    const release = async () => {
      released = true;
      await shut();
      for (const { path } of parts) await remove(path);
    };
    try {
      await Promise.all(
        parts.map(async ({ path, settings, entrance }) => {
          await mkdir(path);
          for (const [file, value] of settings) await writeFile(join(path, file), value);
          doors.push(await open(join(path, entrance), 'w'));
        }),
      );
    } catch (error) {
      void release();
      throw error;
    }
    const exceeded = async () => {
      try {
        return await firstExceeded(parts);
      } catch (error) {
        if (released) return undefined; // a look that came when the sandbox had ended: nothing is left to see
        throw error;
      }
    };
    const entered = () => {
      void shut();
      this.#makeAhead(); // not before: it would take time from the start that this place is for
    };
    const giveWay = async (gives: boolean) => {
      for (const { path, share } of parts)
        if (share !== undefined) await writeFile(join(path, share.file), gives ? share.small : share.usual);
    };
    return { entrances: doors.map(({ fd }) => fd), entered, exceeded, giveWay, release };
  }

  async holds(pid: number): Promise<boolean> {
    const lists = await Promise.all(
      this.hierarchies.map(async ({ base }) => {
        const own = join(base, this.name);
        const groups = await readdir(own, { withFileTypes: true });
        const members = await Promise.all(
          groups.filter((entry) => entry.isDirectory()).map((entry) => membersOf(join(own, entry.name))),
        );
        return members.some((list) => list.split('\n').includes(String(pid)));
      }),
    );
    return lists.every(Boolean);
  }

  async close(): Promise<void> {
    await (await this.#next?.catch(() => undefined))?.release();
    for (const { base } of this.hierarchies) await removeTree(join(base, this.name));
  }

  async #provide(): Promise<void> {
    for (const { base, handsDown } of this.hierarchies) {
      const own = join(base, this.name);
      await mkdir(own, { recursive: true });
      if (handsDown !== undefined) await writeFile(join(own, 'cgroup.subtree_control'), handsDown);
    }
  }
}

/** Process ids, a line each; none of a cgroup that went in this moment. */
async function membersOf(cgroup: string): Promise<string> {
  try {
    return await readFile(join(cgroup, 'cgroup.procs'), 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

async function firstExceeded(
  parts: readonly (Hierarchy & { path: string })[],
): Promise<ExceededLimit | undefined> {
  for (const { path, counters } of parts)
    for (const { file, key, exceeded } of counters) {
      const lines = (await readFile(join(path, file), 'utf8')).split('\n');
      const count = lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
      if (Number(count) > 0) return exceeded;
    }
  return undefined;
}

async function sweep(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const [, pid, start] = OURS.exec(name) ?? [];
    if (pid === undefined || start === undefined || (await isServerAlive(Number(pid), start))) continue;
    await removeTree(join(base, name));
  }
}

/** A cgroup's files go with it: only the directories below it are removed before. */
async function removeTree(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []); // gone already
  for (const entry of entries) if (entry.isDirectory()) await remove(join(path, entry.name));
  await remove(path);
}

async function remove(path: string): Promise<void> {
  for (let tries = 0; tries < REMOVE_TRIES; tries += 1)
    try {
      await rmdir(path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return; // gone, or not ours to remove
      await delay(REMOVE_EVERY);
    }
}
