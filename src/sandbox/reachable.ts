/** Makes sure that a sandbox's uid, which is another than the server's when that is root, gets to the files it is shown. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, link, mkdir, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const PASSABLE = 0o711;
const PROGRAM = 0o555;

/**
 * Whether `uid` (with the gid of the same number) may pass every directory above `path` and read, or pass, `path` itself;
 * decided from the modes alone. Undefined: the server's own uid, which reaches what the server reaches.
 */
export async function isReachable(path: string, uid: number | undefined): Promise<boolean> {
  const real = await realpath(path);
  if (uid === undefined) return true;
  for (let at = dirname(real); ; at = dirname(at)) {
    if (!(await allows(at, uid, constants.S_IXOTH))) return false;
    if (at === '/') break;
  }
  const wanted = (await stat(real)).isDirectory() ? constants.S_IXOTH : constants.S_IROTH;
  return allows(real, uid, wanted);
}

/** Makes a directory of the server's that others can pass through but not list, with what is missing above it. */
export async function makePassable(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: PASSABLE });
  if (first === undefined) return;
  // Again by chmod: the umask may have taken bits away. From the lowest up to the first that was made.
  for (let at = directory; at.length >= first.length; at = dirname(at)) await chmod(at, PASSABLE);
}

/**
 * A path at which `uid` can read and execute the program: its own, or else a hard link or copy below
 * `<dataDirectory>/bin`, made once per version of the file.
 */
export async function reachableProgram(
  source: string,
  uid: number | undefined,
  dataDirectory: string,
): Promise<string> {
  const real = await realpath(source);
  if (await isReachable(real, uid)) return real;
  const { size, mtimeMs, mode } = await stat(real);
  const directory = join(dataDirectory, 'bin');
  await makePassable(directory);
  const name = basename(real);
  const copy = join(directory, `${name}-${size}-${Math.trunc(mtimeMs)}`);
  if (await exists(copy)) return copy;
  await removeOlder(directory, name);
  const temporary = join(directory, `.${randomUUID()}`);
  await linkOrCopy(real, temporary, (mode & PROGRAM) === PROGRAM);
  await rename(temporary, copy);
  return copy;
}

async function allows(path: string, uid: number, others: number): Promise<boolean> {
  const { uid: owner, gid, mode } = await stat(path);
  const shift = owner === uid ? 6 : gid === uid ? 3 : 0;
  return (mode & (others << shift)) !== 0;
}

async function linkOrCopy(source: string, target: string, linkable: boolean): Promise<void> {
  if (linkable) {
    try {
      await link(source, target);
      return;
    } catch (error) {
      // Another file system, or one without hard links: a copy does as well, only slower.
      if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? ''))
        throw error;
    }
  }
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  await chmod(target, PROGRAM);
}

/** Running sandboxes keep what they have mounted; the name is all that goes. */
async function removeOlder(directory: string, name: string): Promise<void> {
  const older = (await readdir(directory)).filter(
    (entry) => entry.startsWith(`${name}-`) && /^\d+-\d+$/.test(entry.slice(name.length + 1)),
  );
  await Promise.all(older.map((entry) => rm(join(directory, entry), { force: true })));
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
