/** A program of the benchmark's own in a process of its own, spoken to by messages. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const PROGRAMS = join(import.meta.dirname, '..', 'programs');

export class Child implements AsyncDisposable {
  private readonly process: ChildProcess;

  /** @param program name of a file in bench/programs @param order what it is to do: its one argument, as JSON */
  constructor(program: string, order: unknown = {}) {
    this.process = spawn(process.execPath, [join(PROGRAMS, `${program}.ts`), JSON.stringify(order)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
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
