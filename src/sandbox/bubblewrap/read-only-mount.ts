/** Makes a running sandbox's workspace read-only from outside: what one place has to do to fit every command. */
import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const NSENTER = '/usr/bin/nsenter';
/** Milliseconds; it takes about 3. */
const TIMEOUT = 5000;
/** What the mount must be afterwards. A remount sets all of them anew: `ro` alone would take the other two away. */
const OPTIONS = ['ro', 'nosuid', 'nodev'];

/**
 * Only root may: a sandbox's mounts belong to a user namespace that no process is in any more, and an ordinary user
 * reaches it by no program of the system.
 */
export const canMountReadOnly = (): Promise<boolean> =>
  process.getuid?.() === 0
    ? access(NSENTER).then(
        () => true,
        () => false,
      )
    : Promise.resolve(false);

/**
 * The mount itself changes, so whatever was opened or entered through it before is read-only too; the kernel refuses as
 * long as a file is open for writing. Nothing inside can undo it: no capability, and no `mount` in the filter.
 * @param pid the sandbox's first process, on the host
 * @throws Error when it is not read-only afterwards, as the kernel tells it
 */
export async function mountReadOnly(pid: number): Promise<void> {
  const remount = ['mount', '-n', '-o', ['remount', 'bind', ...OPTIONS].join(','), '/workspace'];
  await promisify(execFile)(NSENTER, [`--mount=/proc/${pid}/ns/mnt`, '--', ...remount], {
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    timeout: TIMEOUT,
  });
  const options = workspaceOptions(await readFile(`/proc/${pid}/mountinfo`, 'utf8'));
  const missing = OPTIONS.filter((option) => options?.includes(option) !== true);
  if (missing.length > 0) throw new Error(`the workspace is mounted without ${missing.join(', ')}`);
}

/** Options of the one mount at /workspace; undefined when there is none, or more than one. */
export function workspaceOptions(mountinfo: string): string[] | undefined {
  // proc(5): id, parent, device, root, mount point, options, …; a space within a name is written \040.
  const mounts = mountinfo.split('\n').map((line) => line.split(' '));
  const found = mounts.filter(([, , , , point]) => point === '/workspace');
  return found.length === 1 ? found[0]?.[5]?.split(',') : undefined;
}
