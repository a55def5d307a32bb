/** A process of the benchmark's own, spoken to by messages. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Look } from '../programs/debug-channel.mjs';

const DEBUG_CHANNEL = join(import.meta.dirname, '..', 'programs', 'debug-channel.mjs');
const PROGRAMS = join(import.meta.dirname, '..', 'programs');

/** Node's options for a process that can be looked into. */
export const WATCHED = ['--expose-gc', `--import=${DEBUG_CHANNEL}`] as const;

/** What the process knows of itself. @param collect whether it collects its garbage first */
export async function lookInto(child: ChildProcess, collect: boolean): Promise<Look> {
  const answered = once(child, 'message') as Promise<[Look]>;
  child.send({ look: { collect } });
  const [look] = await answered;
  return look;
}

export class Child implements AsyncDisposable {
  private readonly process: ChildProcess;

  /**
   * @param program name of a file in bench/programs
   * @param order what it is to do: its one argument, as JSON
   * @param options of Node, e.g. `WATCHED`
   */
  constructor(program: string, order: unknown = {}, options: readonly string[] = []) {
    this.process = spawn(
      process.execPath,
      [...options, join(PROGRAMS, `${program}.ts`), JSON.stringify(order)],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    );
  }

  /** Only of one that is `WATCHED`. */
  look(): Promise<Look> {
    return lookInto(this.process, false);
  }

  send(message: object): void {
    this.process.send(message);
  }

  /** The next message. @throws Error when the program ends without one */
  async next<T>(): Promise<T> {
    const waiting = new AbortController();
    const { signal } = waiting;
    try {
      const ended = once(this.process, 'exit', { signal }).then(() => {
        throw new Error('a program of the benchmark ended early');
      });
      const [message] = (await Promise.race([once(this.process, 'message', { signal }), ended])) as [T];
      return message;
    } finally {
      waiting.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.kill();
    await exited;
  }
}
