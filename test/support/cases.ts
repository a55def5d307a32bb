/** Cases that some machines cannot run: skipped there, with the reason in their name, where the table of the run finds it. */
import { accessSync, constants } from 'node:fs';

/** `it` where the condition holds. @param need what is missing otherwise, e.g. `needs root` */
export const itWhere = (holds: boolean, need: string) => (name: string, run: () => Promise<void>) =>
  holds ? it(name, run) : it.skip(`${name} (skipped: ${need})`, run);

/** `describe` where the condition holds. */
export const describeWhere = (holds: boolean, need: string) => (name: string, tests: () => void) =>
  holds ? describe(name, tests) : describe.skip(`${name} (skipped: ${need})`, tests);

/** `describe` unless there is a reason against it. @param reason as `missingPrograms` tells it */
export const describeUnless = (reason: string | undefined) =>
  describeWhere(reason === undefined, reason ?? '');

/** Where the server may make cgroups of its own, of version 1 or of the one tree of version 2. */
export const itWithCgroups = itWhere(
  process.getuid?.() === 0 && ['cpu', 'cgroup.controllers'].some(isWritableCgroup),
  'needs cgroups that may be made',
);

function isWritableCgroup(name: string): boolean {
  try {
    accessSync(`/sys/fs/cgroup/${name}`, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** As root, each user's sandboxes have a uid of their own. */
export const itAsRoot = itWhere(process.getuid?.() === 0, 'needs root');
