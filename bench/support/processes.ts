/** Which processes there are below another. */
import { readdir, readFile } from 'node:fs/promises';

/** The whole tree, without zombies. */
export async function descendantsOf(ancestor: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const rows = (await Promise.all(pids.map(parentOf))).filter((row) => row !== undefined);
  const found = new Set([ancestor]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const { pid, parent } of rows) if (found.has(parent)) found.add(pid);
  }
  found.delete(ancestor);
  return [...found];
}

async function parentOf(pid: string): Promise<{ pid: number; parent: number } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : { pid: Number(pid), parent: Number(parent) };
  } catch {
    return undefined; // gone meanwhile
  }
}
