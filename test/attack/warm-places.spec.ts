import { chmod, copyFile, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { claudeBinary } from '../../src/agents/claude-code/claude-binary.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { ModelGateway } from '../../src/model-gateway/model-gateway.js';
import { Workspaces } from '../../src/workspaces/workspace.js';
import { Sandboxes } from '../../src/sandbox/sandbox.js';
import type { BubblewrapSandboxes } from '../../src/sandbox/bubblewrap/bubblewrap-sandboxes.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { itAsRoot } from '../support/cases.js';
import type { Client } from '../support/client.js';
import { descendantsOf, until } from '../support/processes.js';
import { asRoot } from '../support/sandbox-ground.js';
import { watchWarmPlaces, type WarmWatch } from '../support/warm.js';

const ALIVE = 60_000;

describe('a place that waited', () => {
  let caisson: Caisson;
  let warm: WarmWatch;
  let alice: Client;
  let bob: Client;
  beforeAll(async () => {
    caisson = await startCaisson({ POOL_SIZE: '4', POOL_SPARES: '1' });
    warm = watchWarmPlaces(caisson);
    alice = await caisson.clientOf('alice');
    bob = await caisson.clientOf('bob');
  });
  afterAll(() => caisson.clear());
  beforeEach(() => (warm.outcomes.length = 0));

  /** Runs a line of shell as the agent, and answers what it wrote. */
  const shell = async (
    client: Client,
    projectId: string,
    command: string,
    action: ClaudeCodeRequest['action'] = 'generate',
  ): Promise<string> => {
    const { id } = await client.submit({
      action,
      prompt: `@tool Bash ${JSON.stringify({ command })}`,
      metadata: { projectId },
    });
    const events = await client.history(id);
    const result = events.find((event) => event.type === 'agent.tool_result');
    if (result?.type !== 'agent.tool_result') throw new Error(JSON.stringify(events.at(-1)));
    return result.data.output;
  };
  /** Asks ahead, and waits until it is there. */
  const warmed = async (client: Client, projectId: string) =>
    until(async () => {
      const { body } = await client.call<{ status: string }>('POST', `/api/projects/${projectId}/warm`);
      return body.status === 'ready';
    }, ALIVE);

  it('[W01] serves its own workspace only: another user, another project, the same name, never meet in one', async () => {
    await warmed(alice, 'shared-name');
    await shell(alice, 'shared-name', 'echo alice > mine.txt');
    await warmed(alice, 'shared-name');
    await warmed(bob, 'shared-name');
    warm.outcomes.length = 0;
    expect(await shell(bob, 'shared-name', 'ls -A; pwd')).toBe('/workspace');
    expect(await shell(alice, 'shared-name', 'cat mine.txt')).toBe('alice');
    expect(await shell(alice, 'other', 'ls -A; pwd')).toBe('/workspace');
    expect(warm.outcomes.slice(0, 2)).toEqual(['hit', 'hit']);
  });

  itAsRoot('[W02] has a uid of its own, on the host, that no other user has', async () => {
    const uids = await Promise.all(
      [alice, bob].map(async (client, index) => {
        await shell(client, 'shared-name', 'touch owned');
        const workspaces = caisson.app.get(Workspaces, { strict: false });
        const workspace = await workspaces.open(index === 0 ? 'alice' : 'bob', 'shared-name');
        expect((await stat(join(workspace.path, 'owned'))).uid).toBe(workspace.uid);
        return workspace.uid;
      }),
    );
    expect(new Set(uids).size).toBe(2);
  });

  it('[W03] finds nothing in /tmp and home that an earlier execution has put there', async () => {
    await warmed(alice, 'planted');
    await shell(
      alice,
      'planted',
      'mkdir -p ~/.claude && echo x > ~/.claude/settings.json; echo x > /tmp/planted; echo x > /dev/shm/planted; (setsid sleep 600 &) >/dev/null 2>&1; echo done',
    );
    await warmed(alice, 'planted');
    warm.outcomes.length = 0;
    const seen = await shell(
      alice,
      'planted',
      'ls -A /tmp/planted /dev/shm/planted ~/.claude/settings.json 2>/dev/null; pgrep sleep; echo end',
    );
    expect(seen).toBe('end');
    expect(warm.outcomes).toEqual(['hit']);
  });

  it('[W04] keeps the workspace read-only by the kernel, for everything that runs in it and was started before', async () => {
    await shell(alice, 'kept', 'echo before > kept.txt');
    await warmed(alice, 'kept');
    warm.outcomes.length = 0;
    const said = await shell(
      alice,
      'kept',
      // Through the working directory of the CLI, which was entered while the workspace was writable, and by remounting.
      `(echo x > new.txt) 2>&1; (echo x > /proc/1/cwd/new.txt) 2>&1
       for p in /proc/[0-9]*; do (echo x > $p/cwd/new.txt) 2>/dev/null && echo wrote; (echo x > $p/root/workspace/new.txt) 2>/dev/null && echo wrote; done
       rm -f kept.txt 2>&1; mount -o remount,bind,rw /workspace 2>&1; unshare -Urm true 2>&1
       grep -o ' /workspace [a-z,]*' /proc/self/mountinfo; ls -A`,
      'analyze',
    );
    expect(said).not.toContain('wrote');
    expect(said.match(/Read-only file system/g)?.length).toBeGreaterThanOrEqual(2);
    expect(said).toMatch(/ \/workspace ro,nosuid,nodev/);
    expect(said.split('\n').at(-1)).toBe('kept.txt');
    if (asRoot) expect(warm.outcomes).toEqual(['hit']);
  });

  it('[W05] stays writable for the next command that may write', async () => {
    await warmed(alice, 'kept');
    expect(await shell(alice, 'kept', 'echo after > kept.txt; cat kept.txt')).toBe('after');
  });

  it('[W06] may not use a tool that its task does not have, though the CLI knows it', async () => {
    await warmed(alice, 'kept');
    const { id } = await alice.submit({
      action: 'review',
      prompt:
        '@tool Write {"file_path":"/tmp/x","content":"x"}\n@tool Write {"file_path":"/workspace/x","content":"x"}',
      metadata: { projectId: 'kept' },
    });
    const results = (await alice.history(id)).filter((event) => event.type === 'agent.tool_result');
    expect(results.length).toBeGreaterThanOrEqual(2);
    for (const { data } of results.slice(0, 2))
      expect(data).toMatchObject({
        isError: true,
        output: expect.stringContaining('not available') as string,
      });
  });

  it('[W07] is told nothing of its task by its environment or its arguments', async () => {
    await warmed(alice, 'told');
    const seen = await shell(
      alice,
      'told',
      'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr "\\0" "\\n" # secret-of-the-task',
    );
    expect(seen).toContain('--setting-sources=');
    expect(seen).not.toContain(caisson.directory);
    // Nothing but the shell that runs the line itself.
    const lines = seen.split('\n').filter((line) => line.includes('secret-of-the-task'));
    expect(lines.every((line) => line.includes('/proc/[0-9]*/cmdline'))).toBe(true);
  });

  it('[W08] spends nothing before its task, and what it spends is its execution’s', async () => {
    const answered: number[] = [];
    const { answers } = caisson.app.get(ModelGateway, { strict: false });
    const stop = answers.on('answer', ({ data: { status } }) => void answered.push(status));
    await caisson.admin.call('POST', '/api/projects/unspent/warm');
    await warmed(bob, 'shared-name');
    await warmed(alice, 'spent');
    expect(answered.filter((status) => status === 200)).toEqual([]);
    warm.outcomes.length = 0;
    const [one, other] = await Promise.all([
      alice.submit({
        action: 'generate',
        prompt: '@usage input=1000 output=11\n@text one',
        metadata: { projectId: 'spent' },
      }),
      bob.submit({
        action: 'generate',
        prompt: '@usage input=3000 output=22\n@text other',
        metadata: { projectId: 'shared-name' },
      }),
    ]);
    await Promise.all([alice.ended(one.id), bob.ended(other.id)]);
    expect(await alice.execution(one.id)).toMatchObject({ response: { metadata: { tokensUsed: 1011 } } });
    expect(await bob.execution(other.id)).toMatchObject({ response: { metadata: { tokensUsed: 3022 } } });
    expect(warm.outcomes).toEqual(['hit', 'hit']);
    stop();
    expect(answered.filter((status) => status === 200)).toHaveLength(2);
  });

  it('[W09] that was killed while it waited is replaced, and nobody notices', async () => {
    await warmed(alice, 'killed');
    await until(async () => (await claudes()).length === warm.places.ready, ALIVE);
    const before = await claudes();
    expect(before.length).toBeGreaterThanOrEqual(1);
    for (const pid of before) process.kill(pid, 'SIGKILL');
    warm.outcomes.length = 0;
    expect(await shell(alice, 'killed', 'echo fine')).toBe('fine');
    // Never a hit: what was killed is not used, and nothing new comes up so soon.
    expect(warm.outcomes).toEqual([expect.stringMatching(/^(died|starting)$/)]);
    await until(() => warm.places.ready >= before.length, ALIVE);
    expect((await claudes()).filter((pid) => before.includes(pid))).toEqual([]);
    await warmed(alice, 'killed');
    expect(await shell(alice, 'killed', 'echo again')).toBe('again');
    expect(warm.outcomes[1]).toBe('hit');
  });

  it('[W10] is asked ahead only by whoever may run something there', async () => {
    const reader = await caisson.clientOf('alice', ['read']);
    expect((await reader.call('POST', '/api/projects/kept/warm')).status).toBe(403);
    expect((await bob.call('POST', '/api/projects/kept/warm?userId=alice')).status).toBe(403);
    expect((await alice.call('POST', '/api/projects/..%2f..%2fkept/warm')).status).toBe(400);
  });

  it('[W11] ends with a cancel in the moment of its claim, and is never used again', async () => {
    await warmed(alice, 'cancelled');
    const { id } = await alice.submit({
      action: 'generate',
      prompt: '@text working\n@hang',
      metadata: { projectId: 'cancelled' },
    });
    await alice.call('POST', `/api/executions/${id}/cancel`);
    expect((await alice.ended(id)).status).toBe('cancelled');
    expect(await shell(alice, 'cancelled', 'echo clean')).toBe('clean');
  });
});

/** The agents below this process, those that wait and those that work. */
async function claudes(): Promise<number[]> {
  const found = (await descendantsOf(process.pid)).map(async (pid) => {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return line.startsWith('/opt/agent/claude\0') ? [pid] : [];
  });
  return (await Promise.all(found)).flat();
}

describe('the server', () => {
  it('[W12] replaces what waits when another version of the CLI is installed', async () => {
    const directory = await temporaryDirectory();
    const binary = join(directory, 'claude');
    await copyFile(claudeBinary(process.env.CLAUDE_CODE_BINARY), binary);
    await chmod(binary, 0o755);
    const caisson = await startCaisson(
      { POOL_SIZE: '2', POOL_SPARES: '1', CLAUDE_CODE_BINARY: binary },
      directory,
    );
    try {
      const warm = watchWarmPlaces(caisson);
      await warm.ready(1);
      const before = await claudes();
      const { mtimeMs } = await stat(binary);
      await utimes(binary, new Date(), new Date(mtimeMs + 60_000));
      const { body } = await caisson.admin.run({ action: 'generate', prompt: '@text fine' });
      expect(body.success).toBe(true);
      expect(warm.outcomes).toEqual(['outdated']);
      await until(async () => !(await claudes()).some((pid) => before.includes(pid)), ALIVE);
      // Neither an execution without an executable nor its place is left in the air.
      await warm.ready(2);
      await rm(binary);
      expect(await caisson.admin.run({ action: 'generate', prompt: '@text no' })).toMatchObject({
        body: { success: false, error: { code: 'E012' } },
      });
      await until(async () => (await claudes()).length === warm.places.ready, ALIVE);
    } finally {
      await caisson.clear();
    }
  });

  it('[W13] leaves no place behind when it stops', async () => {
    const caisson = await startCaisson({ POOL_SIZE: '4', POOL_SPARES: '1' });
    const warm = watchWarmPlaces(caisson);
    await caisson.admin.call('POST', '/api/projects/one/warm');
    await warm.ready(2);
    const waiting = await claudes();
    expect(waiting).toHaveLength(2);
    // One more is on its way up in the moment of the end.
    await caisson.admin.call('POST', '/api/projects/two/warm');
    await until(async () => (await claudes()).length > 2, ALIVE);
    await caisson.clear();
    expect(await claudes()).toEqual([]);
    expect(caisson.app.get<Sandboxes, BubblewrapSandboxes>(Sandboxes).alive).toBe(0);
    expect(warm.places.ready).toBe(0);
  });
});
