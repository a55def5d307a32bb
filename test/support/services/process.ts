/** A private service of a test, or of a row of the benchmark: a program on a free loopback port, its files in a temporary directory, stopped with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Who a program runs as when the tests are root's: PostgreSQL refuses to be. */
export interface Account {
  uid: number;
  gid: number;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

export async function ownDirectory(name: string, account?: Account): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `caisson-${name}-`));
  if (account !== undefined) await chown(directory, account.uid, account.gid);
  return directory;
}

/** One program that can be stopped, killed, held and started again on the same port and files. */
export class Service {
  readonly directory: string;
  private readonly program: string;
  private readonly args: readonly string[];
  private readonly isUp: () => Promise<boolean>;
  private readonly account?: Account;
  private readonly ending: NodeJS.Signals;
  private child?: ChildProcess;
  private output = '';

  // Written out, as in all of the benchmark: Node, which only strips types, knows no parameter properties.
  constructor(
    program: string,
    args: readonly string[],
    isUp: () => Promise<boolean>,
    directory: string,
    account?: Account,
    /** What ends it at once, together with all the processes it has made. */
    ending: NodeJS.Signals = 'SIGKILL',
  ) {
    this.program = program;
    this.args = args;
    this.isUp = isUp;
    this.directory = directory;
    this.account = account;
    this.ending = ending;
  }

  /** Resolves when it answers. @throws Error with what it said, when it ended instead */
  async start(): Promise<void> {
    const child = spawn(this.program, this.args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.directory,
      ...this.account,
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    while (!(await this.isUp())) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${this.program} did not start:\n${this.output}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name);
  }

  /** Ends it, and resolves when it is gone. */
  async end(name: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(name);
    await exited;
  }

  /** Ends it for good, with its files. */
  async remove(): Promise<void> {
    await this.end(this.ending);
    await rm(this.directory, { recursive: true, force: true });
  }
}
