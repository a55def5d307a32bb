/** Looks at the host's processes and waits for conditions, for tests that must leave nothing alive. */
import { readdir, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** Process ids whose command line, its arguments joined by spaces, is exactly this; zombies have none. */
export async function hostProcesses(commandLine: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      try {
        return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replace(/\0$/, '').replaceAll('\0', ' ');
      } catch {
        return ''; // gone meanwhile
      }
    }),
  );
  return pids.filter((_, index) => lines[index] === commandLine).map(Number);
}

/** Resolves once the condition holds. @throws Error after `timeoutMs` */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 5000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${holds.toString()}`);
    await delay(5);
  }
}

/** Resolves when the stream's first line is this one; nothing of what follows is lost. */
export async function firstLine(stream: Readable, line: string): Promise<void> {
  await until(
    () => stream.readableLength > line.length || stream.readable === false || (stream.read(0), false),
  );
  const chunk: Buffer | null = stream.read(line.length + 1);
  if (chunk?.toString() !== `${line}\n`)
    throw new Error(`expected "${line}", got ${JSON.stringify(chunk?.toString())}`);
}
