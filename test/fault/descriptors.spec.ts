/** The real server process runs out of file descriptors under a flood of connections, and gets over it. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/processes.js';
import { buildServer, killServers, startServer } from '../support/server-process.js';

const QUICK: ClaudeCodeRequest = { action: 'generate', prompt: '@text Done.' };
const untilGo = (projectId: string): ClaudeCodeRequest => ({
  action: 'generate',
  prompt: '@text Working.\n@tool Bash {"command":"until [ -e go ]; do sleep 0.05; done"}\n@text Done.',
  metadata: { projectId },
});

describe('a server without descriptors', () => {
  let directory: string;
  const flood: Socket[] = [];
  beforeAll(buildServer);
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    for (const socket of flood.splice(0)) socket.destroy();
    await killServers();
    await rm(directory, { recursive: true, force: true });
  });

  const open = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
  /** The soft limit alone: it may be raised again. */
  const limit = (pid: number, count: number) =>
    execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${count}:`]);
  const connections = (url: string, count: number) => {
    const { hostname, port } = new URL(url);
    for (let made = 0; made < count; made++)
      flood.push(connect(Number(port), hostname).on('error', () => undefined));
  };

  it('[D29] ends what cannot get a sandbox as E012, lets what runs go on, and serves again when there are some', async () => {
    const server = await startServer(directory);
    const { admin, pid, url } = server;
    const running = await admin.submit(untilGo('running'));
    await admin.firstEvent(running.id, 'agent.tool_use');
    expect((await admin.run(QUICK)).status).toBe(200);

    // Enough for calls, too few for the pipes of a sandbox.
    limit(pid, open(pid) + 6);
    const refused = await admin.run(QUICK);
    expect({ status: refused.status, code: refused.body.error?.code }).toEqual({ status: 503, code: 'E012' });

    limit(pid, open(pid));
    connections(url, 300);
    await delay(2000); // as long as a flood lasts: what must not happen in it is that the server or the execution ends
    expect(open(pid)).toBeGreaterThan(0);
    limit(pid, 4096);
    for (const socket of flood.splice(0)) socket.destroy();

    await until(
      async () => (await fetch(`${url}/health/ready`).catch(() => undefined))?.status === 200,
      30_000,
    );
    expect((await admin.execution(running.id)).status).toBe('running');
    await admin.call('PUT', '/api/projects/running/files/go', 'now');
    expect((await admin.ended(running.id)).status).toBe('succeeded');
    expect((await admin.run(QUICK)).status).toBe(200);
    expect((await admin.get('/api/audit?verify=true')).body).toMatchObject({ valid: true });
  });

  it('[D30] is not what a flood of connections makes of it: beyond CONNECTIONS_MAX they are closed', async () => {
    const { url } = await startServer(directory, { CONNECTIONS_MAX: '20' });
    connections(url, 60);
    await until(() => flood.filter((socket) => socket.closed).length >= 40);
    expect(flood.filter((socket) => !socket.closed).length).toBeLessThanOrEqual(20);
    for (const socket of flood.splice(0)) socket.destroy();
    await until(
      async () => (await fetch(`${url}/health/live`).catch(() => undefined))?.status === 200,
      30_000,
    );
  });
});
