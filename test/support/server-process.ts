/** The server as it is run for real: `dist/main.js` in a process of its own, that can be stopped, killed and started again. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Client } from './client.js';
import { until } from './processes.js';

export interface ServerProcess {
  pid: number;
  url: string;
  /** Acts with all scopes. */
  admin: Client;
  /** All that it wrote to standard output and standard error. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves when the process is gone. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

const ADMIN_SECRET = 'the-admin-key-of-the-fault-tests-0123456789';
/** Milliseconds: a start takes one or two seconds on a quiet machine. */
const START_TIMEOUT = 60_000;

const running = new Set<ChildProcess>();

/**
 * Builds what is tested when it is older than its sources; in a whole test run it never is. One at a time: a build
 * begins by removing what the server of another suite may be started from.
 */
export function buildServer(): void {
  const script = resolve('scripts/build.mjs');
  const { status, stdout, stderr } = spawnSync('flock', [script, process.execPath, script], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the build failed:\n${stdout}${stderr}`);
}

export interface StartOptions {
  /** A file that standard output and standard error go to, instead of pipes. */
  log?: string;
  /** Options of Node itself. */
  nodeOptions?: string[];
  /** A command before it that becomes it by `exec`. */
  through?: string[];
  /** What readiness has to answer before the start counts as done. */
  readiness?: 200 | 503;
}

/** Starts it on a free port and resolves once it is ready for work, or is as unready as is expected. */
export async function startServer(
  directory: string,
  settings: NodeJS.ProcessEnv = {},
  { log, nodeOptions = [], through = [], readiness = 200 }: StartOptions = {},
): Promise<ServerProcess> {
  const file = log === undefined ? undefined : openSync(log, 'a');
  const node = [process.execPath, ...nodeOptions, resolve('dist/main.js')] as const;
  const [program, ...args] = [...through, ...node];
  const server = spawn(program, args, {
    env: {
      PATH: process.env.PATH,
      CLAUDE_CODE_BINARY: process.env.CLAUDE_CODE_BINARY,
      PORT: '0',
      CAISSON_DATA: `${directory}/data`,
      BOOTSTRAP_API_KEY: ADMIN_SECRET,
      RATE_LIMIT_REQUESTS: '100000',
      POOL_SIZE: '0',
      CACHE_MAX_BYTES: '0',
      ...settings,
    },
    stdio: ['ignore', file ?? 'pipe', file ?? 'pipe'],
  });
  if (file !== undefined) closeSync(file);
  running.add(server);
  let piped = '';
  for (const stream of [server.stdout, server.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (piped += text));
  const output = () => (log === undefined ? piped : readFileSync(log, 'utf8'));
  const exited = once(server, 'exit').then(([code, signal]) => {
    running.delete(server);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  const address = () => /listens on (http:\S+)/.exec(output())?.[1];
  await until(() => address() !== undefined || server.exitCode !== null, START_TIMEOUT);
  const url = address();
  if (url === undefined || server.pid === undefined)
    throw new Error(`the server did not start:\n${output()}`);
  await until(async () => (await fetch(`${url}/health/ready`)).status === readiness, START_TIMEOUT);
  return {
    pid: server.pid,
    url,
    admin: new Client(url, ADMIN_SECRET),
    output,
    signal: (name) => void server.kill(name),
    exited,
  };
}

/** For `afterEach`: whatever a test that failed has left running. */
export async function killServers(): Promise<void> {
  await Promise.all(
    [...running].map(async (server) => {
      server.kill('SIGKILL');
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    }),
  );
}
