/** Knows a server process again: process ids alone come round, with the time of the start they do not. */
import { readFile } from 'node:fs/promises';

/** Position of the start time among the fields behind the name in /proc/<pid>/stat (proc(5), field 22). */
const START_TIME = 19;

/** When this process was started, in clock ticks since boot. */
export const startOfThisServer = (): Promise<string> => startOf('self');

/** @param start as `startOfThisServer` told it in that process */
export async function isServerAlive(pid: number, start: string): Promise<boolean> {
  try {
    return (await startOf(String(pid))) === start;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return false;
    throw error;
  }
}

async function startOf(pid: string): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything, so the fields are looked for behind the last one.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME] ?? '';
}
