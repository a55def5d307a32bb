/** Disks that are full, out of names or read-only, below the real server process: stated errors, nothing lost, and it goes on. */
import { rm, writeFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { ExecutionView } from '../../src/execution/execution.dto.js';
import type { StreamItem } from '../../src/execution/execution-event.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { describeWhere } from '../support/cases.js';
import type { Client } from '../support/client.js';
import { EmergencyDisk } from '../support/emergency-disk.js';
import { aliveOf, descendantsOf, until } from '../support/processes.js';
import { buildServer, killServers, type ServerProcess, startServer } from '../support/server-process.js';
import { canMount, SmallDisk } from '../support/small-disk.js';

/** Runs until somebody puts the file `go` into its project. */
const untilGo = (projectId: string): ClaudeCodeRequest => ({
  action: 'generate',
  prompt: '@text Working.\n@tool Bash {"command":"until [ -e go ]; do sleep 0.05; done"}\n@text Done.',
  metadata: { projectId },
});
const QUICK: ClaudeCodeRequest = { action: 'generate', prompt: '@text Done.' };

const UNAVAILABLE = { status: 503, code: 'E012', patience: true };
const refusal = async (call: Promise<{ status: number; headers: Headers; body: unknown }>) => {
  const { status, headers, body } = await call;
  const { error } = body as { error?: { code: string } };
  return { status, code: error?.code, patience: Number(headers.get('retry-after')) > 0 };
};
const submission = (client: Client, request: ClaudeCodeRequest, key = '') =>
  client.call('POST', '/api/executions', request, key === '' ? {} : { 'idempotency-key': key });
const verified = async (client: Client) => (await client.get('/api/audit?verify=true')).body;

/** Numbered without a hole, and ended once, at the end. */
function expectWhole(events: StreamItem[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const ends = events.filter(({ type }) => type === 'execution.finished');
  expect(ends).toEqual([events.at(-1)]);
}

describeWhere(canMount, 'needs root, to mount a file system')('a server whose disk', () => {
  let directory: string;
  const disks: { unmount(): void }[] = [];
  beforeAll(buildServer);
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    await killServers();
    for (const disk of disks.splice(0)) disk.unmount();
    await rm(directory, { recursive: true, force: true });
  });

  const mount = (name: string, options: string): SmallDisk => {
    const disk = SmallDisk.mount(join(directory, name), options);
    disks.push(disk);
    return disk;
  };
  /** Not through the API, which cannot record the call now. */
  const go = () =>
    Promise.all(
      globSync(`${directory}/data/workspaces/*`).map((workspace) => writeFile(join(workspace, 'go'), '')),
    );
  const occupied = async ({ admin }: ServerProcess): Promise<ExecutionView> => {
    const execution = await admin.submit(untilGo('running'));
    await admin.firstEvent(execution.id, 'agent.tool_use');
    return execution;
  };

  it('[D20] is full refuses with 503 E012 and keeps what it accepted: ends are written when there is room, its log is no matter', async () => {
    const disk = mount('data', 'size=24m');
    const server = await startServer(
      directory,
      { CLAUDE_CODE_MAX_CONCURRENT: '1' },
      { log: join(disk.path, 'log') },
    );
    const { admin, url } = server;
    const running = await occupied(server);
    const history = admin.history(running.id);
    const waiting = await admin.submit(QUICK);

    disk.fill();
    expect(await refusal(submission(admin, QUICK, 'full'))).toEqual(UNAVAILABLE);
    expect(await refusal(admin.run(QUICK))).toEqual(UNAVAILABLE);
    expect(await refusal(admin.call('POST', `/api/executions/${running.id}/cancel`))).toEqual(UNAVAILABLE);
    expect(await refusal(admin.call('PUT', '/api/projects/running/files/a', 'a'))).toEqual(UNAVAILABLE);
    await go();
    // The agent's next event finds no room: the execution is at its end, and its end finds none either.
    await until(async () => (await descendantsOf(server.pid)).length === 0);
    expect((await admin.execution(running.id)).status).toBe('running');
    expect((await admin.execution(waiting.id)).status).toBe('queued');
    expect((await fetch(`${url}/health/live`)).status).toBe(200);

    disk.free();
    const events = await history;
    expectWhole(events);
    expect(events.at(-1)?.data).toMatchObject({ status: 'failed', response: { error: { code: 'E012' } } });
    expect(events).toEqual(await admin.history(running.id));
    expect((await admin.ended(waiting.id)).status).toBe('succeeded');
    const again = await admin.submit(QUICK, { 'idempotency-key': 'full' });
    expect((await admin.ended(again.id)).status).toBe('succeeded');
    expect(await verified(admin)).toMatchObject({ valid: true });
  });

  it('[D21] has no file name left ends what it accepted as E012, and runs the next when there are some', async () => {
    const disk = mount('data', 'size=24m,nr_inodes=200');
    const { admin } = await startServer(directory);
    expect((await admin.run(QUICK)).status).toBe(200);
    disk.fillNames();
    expect(await refusal(admin.run(QUICK))).toEqual(UNAVAILABLE);
    expect(await refusal(admin.run({ ...QUICK, metadata: { projectId: 'new' } }))).toEqual(UNAVAILABLE);
    disk.free();
    expect((await admin.run(QUICK)).status).toBe(200);
    expect((await admin.run({ ...QUICK, metadata: { projectId: 'new' } })).status).toBe(200);
    expect(await verified(admin)).toMatchObject({ valid: true });
  });

  it('[D22] turns read-only while it runs refuses with 503 E012; after a repair and a start what ran is ended as E014', async () => {
    const disk = EmergencyDisk.mount(directory, join(directory, 'data'));
    disks.push(disk);
    const server = await startServer(directory);
    const running = await occupied(server);
    disk.turnReadOnly();
    expect(await refusal(submission(server.admin, QUICK))).toEqual(UNAVAILABLE);
    expect((await server.admin.execution(running.id)).status).toBe('running');
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    server.signal('SIGKILL');
    await server.exited;

    await disk.repair();
    const { admin } = await startServer(directory);
    const events = await admin.history(running.id);
    expectWhole(events);
    expect(events.at(-1)?.data).toMatchObject({ response: { error: { code: 'E014' } } });
    expect((await admin.run(QUICK)).status).toBe(200);
    expect(await verified(admin)).toMatchObject({ valid: true });
  });

  it('[D23] is read-only or full from the beginning does not start, and says what is wrong', async () => {
    const disk = mount('data', 'size=1m');
    disk.fill();
    await expect(startServer(directory)).rejects.toThrow(/did not start:[^]*CAISSON_DATA/);
    disk.free();
    disk.remount('ro');
    await expect(startServer(directory)).rejects.toThrow(/did not start:[^]*CAISSON_DATA/);
  });

  it('[D24] of the workspaces is full or read-only shows that to the agent and answers 503 E012 to uploads', async () => {
    const disk = mount('workspaces', 'size=4m');
    const { admin } = await startServer(directory, { CLAUDE_CODE_WORKSPACE: disk.path });
    const upload = (name: string) =>
      admin.call('PUT', `/api/projects/default/files/${name}`, 'x'.repeat(9000));
    const write =
      '@tool Bash {"command":"head -c 9000 /dev/zero > made; echo $? && cat no-such"}\n@text Seen.';
    const toolResult = async () => {
      const { headers, body } = await admin.run({ action: 'generate', prompt: write });
      expect(body).toMatchObject({ success: true, result: { text: 'Seen.' } });
      const id = headers.get('x-execution-id') ?? '';
      const results = (await admin.history(id)).filter((event) => event.type === 'agent.tool_result');
      return results.map(({ data }) => data.output).join('\n');
    };
    expect((await upload('before')).status).toBe(201);

    disk.fill();
    expect(await refusal(upload('full'))).toEqual(UNAVAILABLE);
    expect(await toolResult()).toContain('No space left on device');
    disk.free();
    disk.remount('ro');
    expect(await refusal(upload('read-only'))).toEqual(UNAVAILABLE);
    disk.remount('rw');
    expect((await upload('after')).status).toBe(201);
    expect(await toolResult()).toMatch(/^0/m);
  });

  it('[D25] is full to the last does not keep the server from stopping; the next start ends what it could not', async () => {
    const disk = mount('data', 'size=24m');
    const server = await startServer(directory, { SHUTDOWN_GRACE: '0' });
    const running = await occupied(server);
    const processes = await descendantsOf(server.pid);
    disk.fill();
    server.signal('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(await aliveOf(processes)).toEqual([]);
    expect(server.output()).toContain('left to the next start');

    disk.free();
    const { admin } = await startServer(directory);
    const events = await admin.history(running.id);
    expectWhole(events);
    expect(events.at(-1)?.data).toMatchObject({ status: 'failed', response: { error: { code: 'E014' } } });
  });
});
