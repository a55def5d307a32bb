/** Finds where the server's own cgroups are in the file system, from what the kernel tells about this process. */
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Controller → absolute path of the server's cgroup; `''` stands for the one tree of version 2. */
export type OwnCgroups = ReadonlyMap<string, string>;

interface Mount {
  /** Which cgroup of the hierarchy is seen at the mount point: not its root in a container. */
  root: string;
  point: string;
  type: string;
  controllers: string[];
}

export async function ownCgroups(): Promise<OwnCgroups> {
  const [memberships, mounts] = await Promise.all([
    readFile('/proc/self/cgroup', 'utf8'),
    readFile('/proc/self/mountinfo', 'utf8'),
  ]);
  return locate(memberships, mounts);
}

/** @param memberships of /proc/self/cgroup, `id:controllers:path` @param mountinfo of /proc/self/mountinfo (proc(5)) */
export function locate(memberships: string, mountinfo: string): OwnCgroups {
  const mounts = mountinfo.split('\n').flatMap(mountOf);
  const found = new Map<string, string>();
  for (const line of memberships.split('\n')) {
    const [, id, names, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (names === undefined || path === undefined) continue;
    for (const name of names.split(',')) {
      const mount = mounts.find(({ type, controllers }) =>
        id === '0' ? type === 'cgroup2' : type === 'cgroup' && controllers.includes(name),
      );
      const below = mount && relative(mount.root, path);
      // Above what is mounted: not to be reached from here.
      if (mount === undefined || below === undefined || below.startsWith('..')) continue;
      found.set(name, join(mount.point, below));
    }
  }
  return found;
}

function mountOf(line: string): Mount[] {
  const [before, after] = line.split(' - ');
  const [, , , root, point] = before?.split(' ') ?? [];
  const [type, , options] = after?.split(' ') ?? [];
  if (root === undefined || point === undefined || !type?.startsWith('cgroup')) return [];
  return [{ root, point, type, controllers: options?.split(',') ?? [] }];
}
