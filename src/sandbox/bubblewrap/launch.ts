/** Starts bubblewrap for one order and waits until the program inside is about to run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { Readable, Writable } from 'node:stream';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import { guard } from '../limits/guard.js';
import type { Confinement, Limiter } from '../limits/limiter.js';
import type { ResourceLimits } from '../limits/resource-limits.js';
import type { SandboxOrder } from '../sandbox.js';
import { bubblewrapArguments, type Profile } from './arguments.js';
import { BubblewrapSandbox } from './bubblewrap-sandbox.js';
import { DESCRIPTOR, FILES_DESCRIPTOR } from './descriptors.js';
import { ETC_FILES } from './etc-files.js';
import { initArguments } from './init.js';
import { JsonStatus } from './json-status.js';

/** Milliseconds after which a sandbox that does not stand is given up; it takes about 10. */
const START_TIMEOUT = 10_000;
/** Milliseconds: what fails to start ends by itself, and is only then killed. */
const NOT_ENDING_BY_ITSELF = 200;
/** Seconds: most of what keeps a sandbox from starting is over soon, or needs a hand. */
const RETRY_AFTER = 5;
/** Characters of bubblewrap's complaint that go into the log. */
const TAIL = 4096;

export interface Launcher {
  /** Absolute path of bubblewrap. */
  bwrap: string;
  profile: Profile;
  /** The system call filter's program. */
  filter: Buffer;
  limits: ResourceLimits;
  limiter: Limiter;
}

interface Launched {
  child: ChildProcess;
  sandbox: BubblewrapSandbox;
  status: JsonStatus;
  /** Rejects when there is no process at all. */
  failed: Promise<never>;
}

/** @throws ClaudeCodeError E012, with bubblewrap's own words in `cause` only */
export async function launch(order: SandboxOrder, launcher: Launcher): Promise<BubblewrapSandbox> {
  const args = bubblewrapArguments(order, launcher.profile);
  const options = identity(order.workspace.uid);
  let confinement: Confinement | undefined;
  let launched: Launched | undefined;
  try {
    confinement = await launcher.limiter.confine();
    // What is started ahead must not take the processor from those who work.
    if (order.waits === true) await confinement.giveWay(true);
    launched = begin(order, launcher, options, confinement);
    const { child, sandbox, status, failed } = launched;
    feed(child, args, launcher.filter, order.files);
    await Promise.race([failed, standing(child, status)]);
    if (child.pid !== undefined) confinement.entered(child.pid);
    void guard(confinement, sandbox);
    return sandbox;
  } catch (error) {
    const complaint = launched?.child.pid === undefined ? '' : await giveUp(launched.sandbox);
    await confinement?.release();
    throw new ClaudeCodeError('E012', 'no sandbox could be started', {
      retryAfter: RETRY_AFTER,
      cause: new Error(`bubblewrap: ${complaint.trim() || String(error)}`, { cause: error }),
    });
  }
}

function begin(
  order: SandboxOrder,
  { bwrap, limits }: Launcher,
  options: { uid?: number; gid?: number },
  confinement: Confinement,
): Launched {
  const pipes = FILES_DESCRIPTOR + (order.files?.length ?? 0);
  const { entrances } = confinement;
  const entrancesInside = entrances.map((_, index) => pipes + index);
  const child = spawn(
    bwrap,
    [...['--args', String(DESCRIPTOR.arguments), '--'], ...initArguments(order, limits, entrancesInside)],
    { ...options, env: {}, cwd: '/', stdio: [...new Array<'pipe'>(pipes).fill('pipe'), ...entrances] },
  );
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  // Out of descriptors, Node makes a child without streams: what follows throws, and nobody waits for this any more.
  failed.catch(() => undefined);
  const status = new JsonStatus();
  const sandbox = new BubblewrapSandbox({
    bwrap: child,
    stdin: writable(child, 0),
    stdout: readable(child, 1),
    stderr: readable(child, 2),
    status,
    confinement,
  });
  return { child, sandbox, status, failed };
}

/** Never root: a sandbox of root's would have uid 0 of the host behind its uid 1000. */
function identity(uid: number | undefined): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  if (uid === undefined || uid === 0) throw new TypeError('as root, a sandbox needs a uid of its own');
  return { uid, gid: uid };
}

/** Writes what bubblewrap reads before it builds: its arguments, the filter, the files of /etc and of the order. */
function feed(
  child: ChildProcess,
  args: readonly string[],
  filter: Buffer,
  files: SandboxOrder['files'] = [],
): void {
  const input = new Map<number, string | Buffer>([
    [DESCRIPTOR.arguments, args.map((part) => `${part}\0`).join('')],
    [DESCRIPTOR.filter, filter],
  ]);
  ETC_FILES.forEach(({ content }, index) => input.set(DESCRIPTOR.etc + index, content));
  files.forEach(({ content }, index) => input.set(FILES_DESCRIPTOR + index, content));
  for (const [descriptor, content] of input) writable(child, descriptor).end(content);
}

/** Resolves when the init line inside has told that it runs. */
async function standing(child: ChildProcess, status: JsonStatus): Promise<void> {
  const statusLines = readable(child, DESCRIPTOR.status).setEncoding('utf8');
  const ready = readable(child, DESCRIPTOR.ready);
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`does not stand after ${START_TIMEOUT} ms`)),
      START_TIMEOUT,
    );
    let said = false;
    const settle = () => {
      if (said && status.childPid !== undefined) resolve();
    };
    statusLines.on('data', (chunk: string) => {
      try {
        status.push(chunk);
        settle();
      } catch (error) {
        reject(new Error('bubblewrap’s status is not understood', { cause: error }));
      }
    });
    ready.once('data', () => {
      said = true;
      settle();
    });
    ready.once('close', () => {
      clearTimeout(late);
      if (!said) reject(new Error('ended before it stood'));
    });
  });
}

/** Ends what did not start and returns what it said about it. */
async function giveUp(sandbox: BubblewrapSandbox): Promise<string> {
  const words = tailOf(sandbox.stderr);
  const patience = setTimeout(() => void sandbox.end(0), NOT_ENDING_BY_ITSELF);
  await sandbox.exited;
  clearTimeout(patience);
  await sandbox.end(0);
  return words;
}
async function tailOf(stream: Readable): Promise<string> {
  let tail = '';
  for await (const chunk of stream.setEncoding('utf8')) tail = (tail + String(chunk)).slice(-TAIL);
  return tail;
}

function readable(child: ChildProcess, descriptor: number): Readable {
  const stream = child.stdio[descriptor];
  if (!(stream instanceof Readable)) throw new TypeError(`descriptor ${descriptor} is no readable pipe`);
  return stream;
}

/** A program that ends without reading its input is not an error of the server's: who writes learns it from `exited`. */
function writable(child: ChildProcess, descriptor: number): Writable {
  const stream = child.stdio[descriptor];
  if (!(stream instanceof Writable)) throw new TypeError(`descriptor ${descriptor} is no writable pipe`);
  return stream.on('error', () => undefined);
}
