/** The product as it is delivered, in a process of its own that can be looked into. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import type { Look } from '../programs/debug-channel.mjs';
import { lookInto, WATCHED } from './child.ts';
import { SERVER } from '../../scripts/setup/paths.mjs';
import type { Ground } from './row.ts';
import { until } from './until.ts';

export const SECRET = 'the-admin-key-of-the-benchmark-0123456789';

/** Milliseconds: a start takes one or two seconds on a quiet machine. */
const START_TIMEOUT = 60_000;

export interface ExecutionView {
  id: string;
  status: string;
}

let count = 0;

/**
 * Starts it on a free port; resolves once it is ready for work.
 * @param settings besides the defaults
 * @param program the product, or it with a change that only the benchmark can make
 */
export async function startServer(
  ground: Ground,
  settings: NodeJS.ProcessEnv = {},
  program: readonly string[] = SERVER,
): Promise<Server> {
  count += 1;
  const log = join(ground.directory, `server-${count}.log`);
  // A file, not a pipe: nobody has to read along, and what it costs the server is what it costs in earnest.
  const output = openSync(log, 'a');
  const child = spawn(process.execPath, [...WATCHED, ...program], {
    env: {
      PATH: process.env.PATH,
      CLAUDE_CODE_BINARY: process.env.CLAUDE_CODE_BINARY,
      PORT: '0',
      CAISSON_DATA: join(ground.directory, `data-${count}`),
      BOOTSTRAP_API_KEY: SECRET,
      // The benchmark is one address and one user.
      RATE_LIMIT_REQUESTS: '1000000',
      ANTHROPIC_BASE_URL: ground.model,
      ANTHROPIC_API_KEY: 'sk-benchmark',
      // Nothing is started ahead and nothing is answered from what is kept, unless a row asks for it.
      POOL_SIZE: '0',
      CACHE_MAX_BYTES: '0',
      ...settings,
    },
    stdio: ['ignore', output, output, 'ipc'],
  });
  const said = () => readFileSync(log, 'utf8');
  const address = () => /listens on (http:\S+)/.exec(said())?.[1];
  await until(() => address() !== undefined || child.exitCode !== null, 'the server listens', START_TIMEOUT);
  const url = address();
  if (url === undefined) throw new Error(`the server did not start:\n${said()}`);
  await until(async () => (await fetch(`${url}/health/ready`)).ok, 'the server is ready', START_TIMEOUT);
  return new Server(child, url);
}

export class Server implements AsyncDisposable {
  readonly url: string;
  private readonly child: ChildProcess;
  private readonly sockets: Socket[] = [];

  constructor(child: ChildProcess, url: string) {
    this.child = child;
    this.url = url;
  }

  get pid(): number {
    return this.child.pid ?? NaN;
  }

  /** @throws Error when it is refused */
  async call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json', ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (response.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : text) as T;
  }

  /** Asks for an execution and does not wait for it. */
  submit(prompt: string, metadata: object = {}, action = 'generate'): Promise<ExecutionView> {
    return this.call('POST', '/api/executions', { action, prompt, metadata });
  }

  async ended(id: string, timeoutMs = 120_000): Promise<ExecutionView> {
    const view = () => this.call<ExecutionView & { endedAt?: number }>('GET', `/api/executions/${id}`);
    await until(async () => (await view()).endedAt !== undefined, `execution ${id} ends`, timeoutMs);
    return view();
  }

  /** A connected socket; it is closed with the server. */
  async socket(): Promise<Socket> {
    const socket = io(this.url, {
      auth: { token: SECRET },
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
    });
    this.sockets.push(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    return socket;
  }

  /** What the process knows of itself. @param collect whether it collects its garbage first */
  look(collect = false): Promise<Look> {
    return lookInto(this.child, collect);
  }

  /** How many descriptors it has open. */
  async descriptors(): Promise<number> {
    return (await readdir(`/proc/${this.pid}/fd`)).length;
  }

  /** The sum of a metric's series, whose labels hold this text. */
  async metric(name: string, label = ''): Promise<number> {
    const text = await this.call<string>('GET', '/metrics');
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => line.includes(label))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.disconnect();
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}
