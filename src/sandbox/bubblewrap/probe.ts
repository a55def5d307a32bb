/** Runs the probe: two sandboxes with the real argument list, one writable and one read-only, that look around. */
import { chown, mkdtemp, readFile, readlink, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ProbeReport, SandboxOrder } from '../sandbox.js';
import { isReachable, makePassable } from '../reachable.js';
import { launch, type Launcher } from './launch.js';
import { MENDS, mendFor } from './mends.js';
import { judge, parseFacts, type Facts } from './probe-checks.js';
import { PROBE_SCRIPT } from './probe-script.js';

export interface ProbeOrder extends Omit<Launcher, 'filter'> {
  /** Undefined when there is none for this architecture. */
  filter: Buffer | undefined;
  /** Whether nothing may run without cgroups. */
  limitsRequired: boolean;
  /** Why the limiter is not one of cgroups. */
  shortfall: string | undefined;
  workspaceRoot: string;
  dataDirectory: string;
  /** Host uid of the probe's sandboxes, when the server is root. */
  uid?: number;
}

const MODEL_ANSWER = 'caisson';
const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'];
/** Milliseconds; the probe takes about 50. */
const TIMEOUT = 15_000;

/** Never rejects: what cannot be probed is a report that says so. */
export async function runProbe(order: ProbeOrder): Promise<ProbeReport> {
  const { filter } = order;
  if (filter === undefined)
    return miss(`there is no system call filter for ${process.arch}`, MENDS.architecture);
  try {
    await makePassable(order.workspaceRoot);
    if (!(await isReachable(order.workspaceRoot, order.uid)))
      return miss(`uid ${order.uid} cannot pass to ${order.workspaceRoot}`, MENDS.reachable);
    return await withPlace(order, (workspace, modelSocket) =>
      look({ ...order, filter }, workspace, modelSocket),
    );
  } catch (error) {
    const complaint = words(error);
    return miss(complaint, mendFor(complaint));
  }
}

async function look(
  order: ProbeOrder & Launcher,
  workspace: string,
  modelSocket: string,
): Promise<ProbeReport> {
  const ask = (access: SandboxOrder['access']) =>
    factsOf(
      {
        workspace: { id: 'probe', path: workspace, ...(order.uid === undefined ? {} : { uid: order.uid }) },
        access,
        argv: ['/bin/sh', '-c', PROBE_SCRIPT],
        modelSocket,
      },
      order,
    );
  const facts = { writable: await ask('read-write'), readOnly: await ask('read-only') };
  return judge(facts, {
    hostNamespaces: await Promise.all(NAMESPACES.map((name) => readlink(`/proc/self/ns/${name}`))),
    tmpBytes: order.profile.tmpBytes,
    modelAnswer: MODEL_ANSWER,
    statePaths: [order.dataDirectory, order.workspaceRoot],
    openFiles: order.limits.openFiles,
    fileBytes: order.limits.fileBytes,
    limits: { means: order.limiter.means, required: order.limitsRequired, shortfall: order.shortfall },
  });
}

async function factsOf(order: SandboxOrder, launcher: Launcher): Promise<Facts> {
  const sandbox = await launch(order, launcher);
  const late = setTimeout(() => void sandbox.end(0), TIMEOUT);
  try {
    // Inside, the uid map is told relative to a namespace of bubblewrap's own: who it is to the host, only the host sees.
    const hostUid = /^Uid:\t(\d+)/m.exec(await readFile(`/proc/${sandbox.initPid}/status`, 'utf8'))?.[1];
    const held = sandbox.initPid !== undefined && (await launcher.limiter.holds(sandbox.initPid));
    sandbox.stdin.end();
    const [output, complaint] = await Promise.all([text(sandbox.stdout), text(sandbox.stderr)]);
    const facts = parseFacts(output);
    if (!facts.has('end')) throw new Error(`the probe did not come to its end: ${complaint.trim()}`);
    return new Map(facts)
      .set('host-uid', hostUid === undefined ? [] : [hostUid])
      .set('held', held ? ['yes'] : []);
  } finally {
    clearTimeout(late);
    await sandbox.end(0);
  }
}

/** A workspace and a model socket for the time of a probe; sockets need short paths, so theirs is the temporary directory. */
async function withPlace<T>(
  order: ProbeOrder,
  use: (workspace: string, modelSocket: string) => Promise<T>,
): Promise<T> {
  await using place = new AsyncDisposableStack();
  const directory = async (prefix: string) => {
    const path = await mkdtemp(prefix);
    place.defer(() => rm(path, { recursive: true }));
    if (order.uid !== undefined) await chown(path, order.uid, order.uid);
    return path;
  };
  const workspace = await directory(join(order.workspaceRoot, 'probe-'));
  const socket = join(await directory(join(tmpdir(), 'caisson-')), 'model');
  const server = createServer((connection) => connection.end(MODEL_ANSWER));
  place.defer(() => closed(server));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve));
  if (order.uid !== undefined) await chown(socket, order.uid, order.uid);
  return await use(workspace, socket);
}

const closed = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()));

const miss = (reason: string, mend: string): ProbeReport => ({
  ok: false,
  checks: [{ name: 'starts', ok: false, reason, mend }],
  warnings: [],
});

/** An error with what caused it: bubblewrap's own words are the cause of E012. */
function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
