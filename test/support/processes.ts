/** Looks at the host's processes and waits for conditions, for tests that must leave nothing alive. */
import { readdir, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** Process ids whose command line, its arguments joined by spaces, is exactly this; zombies have none. */
export async function hostProcesses(commandLine: string): Promise<number[]> {
  const lines = await Promise.all((await allPids()).map(async (pid) => [pid, await lineOf(pid)] as const));
  return lines.filter(([, line]) => line === commandLine).map(([pid]) => pid);
}

/** Resolves once the condition holds. @throws Error after `timeoutMs`: so long that only what never comes takes it, on any machine */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${holds.toString()}`);
    await delay(5);
  }
}

/** Resolves when the stream's first line is this one; nothing of what follows is lost. */
export async function firstLine(stream: Readable, line: string): Promise<void> {
  await until(() => {
    stream.read(0);
    return stream.readableLength > line.length || stream.readableEnded;
  });
  const chunk = stream.read(line.length + 1) as Buffer | null;
  if (chunk?.toString() !== `${line}\n`)
    throw new Error(`expected "${line}", got ${JSON.stringify(chunk?.toString())}`);
}

/** Process ids whose command line holds this text somewhere; zombies have none. */
export async function processesWith(marker: string): Promise<number[]> {
  const lines = await Promise.all((await allPids()).map(async (pid) => [pid, await lineOf(pid)] as const));
  return lines.filter(([, line]) => line.includes(marker)).map(([pid]) => pid);
}

/** Process ids below this one, whole tree, whatever namespace they are in; without zombies. */
export async function descendantsOf(ancestor: number): Promise<number[]> {
  const rows = (await Promise.all((await allPids()).map(parentOf))).filter((row) => row !== undefined);
  const found = new Set([ancestor]);
  // Until nothing is added: a child may have a lower number than its parent.
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const { pid, parent } of rows) if (found.has(parent)) found.add(pid);
  }
  found.delete(ancestor);
  return [...found];
}

/**
 * Resolves when none of these is alive. A housekeeper that records the workspace's state may outlast the answer for a
 * moment; it ends by itself. @throws Error when any is alive for long
 */
export const gone = (pids: () => Promise<number[]>): Promise<void> =>
  until(async () => (await pids()).length === 0);

/** Which of these processes still run; a zombie does not. */
export async function aliveOf(pids: readonly number[]): Promise<number[]> {
  const rows = await Promise.all(pids.map(parentOf));
  return rows.flatMap((row) => (row === undefined ? [] : [row.pid]));
}

const allPids = async (): Promise<number[]> =>
  (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);

/** For a test that fails: what is alive. */
export const linesOf = (pids: readonly number[]): Promise<string[]> => Promise.all(pids.map(lineOf));

async function lineOf(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replace(/\0$/, '').replaceAll('\0', ' ');
  } catch {
    return ''; // gone meanwhile
  }
}

async function parentOf(pid: number): Promise<{ pid: number; parent: number } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything, so the fields are looked for behind the last one.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : { pid, parent: Number(parent) };
  } catch {
    return undefined; // gone meanwhile
  }
}
