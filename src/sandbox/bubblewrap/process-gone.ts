/** Waits for a process that is nobody's child here: the init of a sandbox whose bubblewrap was killed from outside. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds between two looks; the kernel takes a few to take a killed process tree down. */
const LOOK_EVERY = 5;

/** Resolves when `pid` runs no more (gone, or a zombie that a lazy pid 1 has not reaped). */
export async function processGone(pid: number): Promise<void> {
  while (await isAlive(pid)) await delay(LOOK_EVERY);
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything, so the state is looked for behind the last one.
    return !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(')')));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return false;
    throw error;
  }
}
