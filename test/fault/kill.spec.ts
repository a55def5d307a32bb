/** `kill -9` of the real server process: sandboxes die with it, and the next start takes everything up again. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClaudeCodeRequest, CommandAction } from '../../src/commands/claude-code-request.js';
import type { ExecutionList } from '../../src/execution/execution.dto.js';
import type { StreamItem } from '../../src/execution/execution-event.js';
import type { Client } from '../support/client.js';
import { aliveOf, descendantsOf, until } from '../support/processes.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { kill, serverGround } from '../support/server-ground.js';

/** Runs until somebody puts the file `go` into its project. */
const untilGo = (action: CommandAction, projectId: string): ClaudeCodeRequest => ({
  action,
  prompt: '@text Working.\n@tool Bash {"command":"until [ -e go ]; do sleep 0.05; done"}\n@text Done.',
  metadata: { projectId },
});

const say = (text: string): ClaudeCodeRequest => ({ action: 'generate', prompt: `@text ${text}` });

const cgroupsOf = (pid: number) => async (controller: string) => {
  const names = await readdir(join('/sys/fs/cgroup', controller)).catch(() => []);
  return names.filter((name) => name.startsWith(`caisson-${pid}-`));
};

/** What a reader has got when it has seen the tool call. */
async function eventsUntilToolUse(client: Client, id: string): Promise<StreamItem[]> {
  const seen: StreamItem[] = [];
  for await (const event of client.events(id)) {
    seen.push(event);
    if (event.type === 'agent.tool_use') break;
  }
  return seen;
}

describe('a server that is killed', () => {
  const ground = serverGround();

  it('[K01] a killed server loses its sandboxes, fails edits, repeats what only reads, runs what waited, and has no hole in any stream', async () => {
    const server = await startServer(ground.directory, { CLAUDE_CODE_MAX_CONCURRENT: '2' });
    const edit = await server.admin.submit(untilGo('generate', 'edit'));
    const read = await server.admin.submit(untilGo('analyze', 'read'));
    const waiting = [];
    for (const text of ['one', 'two', 'three'])
      waiting.push(await server.admin.submit(say(text), { 'idempotency-key': text }));
    const [seenOfEdit, seenOfRead] = await Promise.all(
      [edit, read].map(({ id }) => eventsUntilToolUse(server.admin, id)),
    );
    expect((await descendantsOf(server.pid)).length).toBeGreaterThan(6);
    await kill(server);

    const { admin } = await startServer(ground.directory, { CLAUDE_CODE_MAX_CONCURRENT: '2' });
    expect(await admin.ended(edit.id)).toMatchObject({
      status: 'failed',
      attempt: 1,
      response: { success: false, error: { code: 'E014', details: { retryable: false } } },
    });
    await admin.call('PUT', '/api/projects/read/files/go', 'now');
    expect(await admin.ended(read.id)).toMatchObject({ status: 'succeeded', attempt: 2 });
    for (const { id } of waiting) expect((await admin.ended(id)).status).toBe('succeeded');
    expect((await admin.submit(say('one'), { 'idempotency-key': 'one' })).id).toBe(waiting[0]?.id);

    const { items } = (await admin.get<ExecutionList>('/api/executions')).body;
    expect(items.map(({ id }) => id).toSorted()).toEqual(
      [edit, read, ...waiting].map(({ id }) => id).toSorted(),
    );

    for (const [id, seen] of [
      [edit.id, seenOfEdit],
      [read.id, seenOfRead],
    ] as const) {
      const whole = await admin.history(id);
      expect(whole.map(({ seq }) => seq)).toEqual(whole.map((_, index) => index + 1));
      expect(whole.filter(({ type }) => type === 'execution.finished')).toHaveLength(1);
      expect(whole.slice(0, seen?.length)).toEqual(seen);
      for (let after = 0; after <= whole.length; after++) {
        const resumed = await Array.fromAsync(admin.events(id, 0, { 'last-event-id': String(after) }));
        expect(resumed).toEqual(whole.slice(after));
      }
    }
  });

  it('[K02] a second server on one data directory refuses to start and harms nothing', async () => {
    const server = await startServer(ground.directory);
    const { id } = await server.admin.submit(untilGo('generate', 'only'));
    await server.admin.firstEvent(id, 'agent.tool_use');
    await expect(startServer(ground.directory)).rejects.toThrow('another server is running on');
    await server.admin.call('PUT', '/api/projects/only/files/go', 'now');
    expect((await server.admin.ended(id)).status).toBe('succeeded');
  });

  it('[K03] an execution during which the server was killed twice is not tried a third time', async () => {
    let server = await startServer(ground.directory);
    const { id } = await server.admin.submit(untilGo('analyze', 'twice'));
    await server.admin.firstEvent(id, 'agent.tool_use');
    await kill(server);

    server = await startServer(ground.directory);
    await until(async () => (await server.admin.execution(id)).status === 'running');
    expect((await server.admin.execution(id)).attempt).toBe(2);
    await kill(server);

    server = await startServer(ground.directory);
    expect(await server.admin.ended(id)).toMatchObject({
      status: 'failed',
      attempt: 2,
      response: { success: false, error: { code: 'E014', details: { retryable: true } } },
    });
  });

  it('[K10] a killed server loses what it kept warm too, and the next start finds nothing of it', async () => {
    const pool = { POOL_SIZE: '4', POOL_SPARES: '1' };
    const server = await startServer(ground.directory, pool);
    const ready = async ({ admin }: ServerProcess) =>
      Number(/^caisson_pool_ready (\d+)$/m.exec((await admin.get<string>('/metrics')).body)?.[1]);
    for (const projectId of ['one', 'two'])
      await server.admin.call('POST', `/api/projects/${projectId}/warm`);
    await until(async () => (await ready(server)) === 3);
    const waiting = await descendantsOf(server.pid);
    expect(waiting.length).toBeGreaterThanOrEqual(9); // of each: bubblewrap, what it makes inside, the agent
    const before = await readdir(join(ground.directory, 'data', 'workspaces'));
    server.signal('SIGKILL');
    await server.exited;
    // At once, by the kernel: not only when somebody has started again and looks for what is left.
    await until(async () => (await aliveOf(waiting)).length === 0);

    const next = await startServer(ground.directory, pool);
    await until(async () => (await ready(next)) === 1);
    const left = await Promise.all(['', 'memory', 'pids', 'cpu'].map(cgroupsOf(server.pid)));
    expect(left.flat()).toEqual([]);
    // Those of the two projects stay; the one that nobody owned is given up, and another one waits.
    const after = await readdir(join(ground.directory, 'data', 'workspaces'));
    expect(before.filter((name) => after.includes(name))).toHaveLength(2);
  });

  it('[K04] after a kill in the middle of a flood everything that was accepted is there, and runs', async () => {
    const server = await startServer(ground.directory, { CLAUDE_CODE_MAX_CONCURRENT: '1' });
    const hanging = await server.admin.submit({ action: 'generate', prompt: '@text Working.\n@hang' });
    await server.admin.firstEvent(hanging.id, 'agent.text');
    const accepted: string[] = [];
    const enough = Promise.withResolvers<void>();
    const flood = Array.from({ length: 8 }, async () => {
      for (;;) {
        const { id } = await server.admin.submit({ action: 'generate', prompt: '@text Accepted.' });
        if (accepted.push(id) === 40) enough.resolve();
      }
    });
    const cutOff = Promise.allSettled(flood);
    await enough.promise;
    await kill(server);
    expect((await cutOff).map(({ status }) => status)).toEqual(Array(8).fill('rejected'));

    const { admin } = await startServer(ground.directory, { CLAUDE_CODE_MAX_CONCURRENT: '1' });
    const { items } = (await admin.get<ExecutionList>('/api/executions?limit=200')).body;
    const known = new Set(items.map(({ id }) => id));
    expect(accepted.filter((id) => !known.has(id))).toEqual([]);
    expect((await admin.ended(accepted[0] ?? '')).status).toBe('succeeded');
    for (const id of accepted.slice(1)) await admin.call('POST', `/api/executions/${id}/cancel`);
  });
});
