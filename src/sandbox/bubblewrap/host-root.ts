/** Decides once, at boot, which parts of this host's system a sandbox sees; nothing is tried and skipped later (`-try`). */
import { lstatSync, type Stats } from 'node:fs';

/** Beside /usr in the root directory: links into /usr on a merged-/usr system, directories of their own elsewhere. */
const SYSTEM_DIRECTORIES = ['bin', 'sbin', 'lib', 'lib32', 'libx32', 'lib64'];
/** What programs need of /etc and not every host has. */
const SYSTEM_CONFIGURATION = ['/etc/ssl/certs', '/etc/ld.so.cache', '/etc/alternatives'];

type Inspect = (path: string) => Pick<Stats, 'isSymbolicLink'> | undefined;

/** The bubblewrap arguments that show the host's programs and libraries read-only. */
export function hostRootArguments(inspect: Inspect = lstatIfAny): string[] {
  return [
    ...['--ro-bind', '/usr', '/usr'],
    ...SYSTEM_DIRECTORIES.flatMap((name) => {
      const found = inspect(`/${name}`);
      if (found === undefined) return [];
      return found.isSymbolicLink()
        ? ['--symlink', `usr/${name}`, `/${name}`]
        : ['--ro-bind', `/${name}`, `/${name}`];
    }),
    ...['--dir', '/etc'],
    ...SYSTEM_CONFIGURATION.filter((path) => inspect(path) !== undefined).flatMap((path) => [
      '--ro-bind',
      path,
      path,
    ]),
  ];
}

const lstatIfAny: Inspect = (path) => lstatSync(path, { throwIfNoEntry: false });
