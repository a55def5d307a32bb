/** SIGTERM to the real server process: what runs may finish, what waits is kept, and nothing new is taken. */
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { aliveOf, descendantsOf, until } from '../support/processes.js';
import { startServer } from '../support/server-process.js';
import { serverGround } from '../support/server-ground.js';

/** Runs until somebody puts the file `go` into its project. */
const untilGo = (projectId: string): ClaudeCodeRequest => ({
  action: 'generate',
  prompt: '@text Working.\n@tool Bash {"command":"until [ -e go ]; do sleep 0.05; done"}\n@text Done.',
  metadata: { projectId },
});

const HANG: ClaudeCodeRequest = { action: 'generate', prompt: '@text Working.\n@hang' };

describe('a server that gets SIGTERM', () => {
  const ground = serverGround();

  it('[K06] SIGTERM lets what runs finish, takes nothing more, and keeps what waits for the next start', async () => {
    const server = await startServer(ground.directory, {
      SHUTDOWN_GRACE: '60',
      CLAUDE_CODE_MAX_CONCURRENT: '1',
    });
    const { admin, url } = server;
    const running = await admin.submit(untilGo('running'));
    await admin.firstEvent(running.id, 'agent.tool_use');
    const waiting = await admin.submit({ action: 'generate', prompt: '@text At last.' });
    const processes = await descendantsOf(server.pid);

    server.signal('SIGTERM');
    await until(async () => (await fetch(`${url}/health/ready`)).status === 503);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const refused = await admin.run(HANG);
    expect({ status: refused.status, code: refused.body.error?.code }).toEqual({ status: 503, code: 'E012' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);

    const events = admin.history(running.id);
    await admin.call('PUT', '/api/projects/running/files/go', 'now');
    expect((await events).at(-1)).toMatchObject({
      type: 'execution.finished',
      data: { status: 'succeeded' },
    });
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(await aliveOf(processes)).toEqual([]);

    const next = await startServer(ground.directory);
    expect((await next.admin.ended(waiting.id)).status).toBe('succeeded');
    expect((await next.admin.execution(running.id)).status).toBe('succeeded');
  });

  it('[K07] SIGTERM ends what outlasts the grace as E012', async () => {
    const server = await startServer(ground.directory, { SHUTDOWN_GRACE: '1' });
    const { id } = await server.admin.submit(HANG);
    await server.admin.firstEvent(id, 'agent.text');
    const processes = await descendantsOf(server.pid);
    const answer = server.admin.history(id);

    server.signal('SIGTERM');
    expect((await answer).at(-1)).toMatchObject({
      type: 'execution.finished',
      data: { status: 'failed', response: { error: { code: 'E012' } } },
    });
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(await aliveOf(processes)).toEqual([]);

    const next = await startServer(ground.directory);
    expect(await next.admin.execution(id)).toMatchObject({
      status: 'failed',
      response: { success: false, error: { code: 'E012' } },
    });
  });

  it('[K08] the copy of a signal that a terminal or npm sends is the same one', async () => {
    const server = await startServer(ground.directory, { SHUTDOWN_GRACE: '60' });
    const { id } = await server.admin.submit(untilGo('copies'));
    await server.admin.firstEvent(id, 'agent.tool_use');
    server.signal('SIGINT');
    server.signal('SIGTERM');
    await until(async () => (await fetch(`${server.url}/health/ready`)).status === 503);
    await server.admin.call('PUT', '/api/projects/copies/files/go', 'now');
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  it('[K09] SIGTERM stops at once when nothing runs, whoever still reads', async () => {
    const server = await startServer(ground.directory, {
      CLAUDE_CODE_MAX_CONCURRENT: '1',
      SHUTDOWN_GRACE: '0',
    });
    const running = await server.admin.submit(HANG);
    await server.admin.firstEvent(running.id, 'agent.text');
    const waiting = await server.admin.submit(HANG);
    const socket = await server.admin.socket();
    const left = new Promise((resolve) => socket.once('disconnect', resolve));
    const reader = server.admin.history(waiting.id).catch(() => 'cut off');
    server.signal('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    await Promise.all([left, reader]);
  });
});
