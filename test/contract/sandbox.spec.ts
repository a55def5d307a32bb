/** What every adapter of the sandbox port keeps: here bubblewrap, for real. */
import { chown, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ClaudeCodeError } from '../../src/errors/claude-code.error.js';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import type { BubblewrapSandbox } from '../../src/sandbox/bubblewrap/bubblewrap-sandbox.js';
import { itWithCgroups } from '../support/cases.js';
import { asRoot, FIRST_UID, sandboxGround, type SandboxGround } from '../support/sandbox-ground.js';
import { descendantsOf, firstLine, hostProcesses, until } from '../support/processes.js';

describe('a sandbox', () => {
  let ground: SandboxGround;
  beforeAll(async () => (ground = await sandboxGround()));
  afterAll(() => ground.clear());

  const start = async (line: string): Promise<Sandbox> =>
    ground.sandboxes.start({
      workspace: await ground.workspace(),
      access: 'read-write',
      argv: ['/bin/sh', '-c', line],
    });

  it('carries stdin, stdout, stderr and the exit code', async () => {
    const sandbox = await start('cat; echo to-stderr >&2; exit 7');
    sandbox.stdin.end('to-stdout');
    expect(await text(sandbox.stdout)).toBe('to-stdout');
    expect(await text(sandbox.stderr)).toBe('to-stderr\n');
    expect(await sandbox.exited).toEqual({ code: 7, signal: null });
  });

  it('passes arguments as they are, whatever is in them', async () => {
    const odd = ['', ' ', '$(id)', '`id`', '; id', "'", '"', '\n', '--', '-x', 'ü'];
    const sandbox = await ground.sandboxes.start({
      workspace: await ground.workspace(),
      access: 'read-write',
      argv: ['/usr/bin/printf', '%s\\0', ...odd],
    });
    expect(await text(sandbox.stdout)).toBe(odd.map((part) => `${part}\0`).join(''));
  });

  it('refuses a NUL in an argument, which would begin another one', async () => {
    const workspace = await ground.workspace();
    const order = { workspace, access: 'read-only' as const, argv: ['/bin/true'] as const };
    await expect(ground.sandboxes.start({ ...order, workingDirectory: 'a\0--bind' })).rejects.toThrow(/NUL/);
  });

  it('has the environment it is given and the fixed one', async () => {
    const { stdout } = await ground.shell('env | sort', {
      env: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:3128' },
    });
    expect(stdout.split('\n').filter((line) => !/^(PWD=|SHLVL=|$)/.test(line))).toEqual([
      'ANTHROPIC_BASE_URL=http://127.0.0.1:3128',
      'HOME=/home/agent',
      'LANG=C.UTF-8',
      'PATH=/opt/agent:/usr/local/bin:/usr/bin:/bin',
      'TERM=dumb',
      'TMPDIR=/tmp',
    ]);
  });

  it('works in the working directory it is given', async () => {
    const workspace = await ground.workspace();
    await mkdir(join(workspace.path, 'a/b'), { recursive: true });
    if (workspace.uid !== undefined) await chown(workspace.path, workspace.uid, workspace.uid);
    expect((await ground.shell('pwd', { workspace, workingDirectory: 'a/b' })).stdout).toBe(
      '/workspace/a/b\n',
    );
  });

  it('shows given files read-only and given directories writable', async () => {
    const state = await ground.workspace();
    const file = join(ground.directory, 'tool');
    await writeFile(file, 'tool\n', { mode: 0o644 });
    const { stdout } = await ground.shell(
      'cat /opt/agent/tool; (: >/opt/agent/tool) 2>&1; echo kept >/state/file; cat /state/file',
      {
        readOnly: [{ source: file, target: '/opt/agent/tool' }],
        writable: [{ source: state.path, target: '/state' }],
      },
    );
    expect(stdout).toMatch(/^tool\n.*Read-only file system\nkept\n$/s);
  });

  it('writes a read-write workspace as its own user and cannot write a read-only one', async () => {
    const workspace = await ground.workspace();
    await ground.shell('echo hello >file', { workspace });
    expect((await ground.shell('cat file', { workspace, access: 'read-only' })).stdout).toBe('hello\n');
    const refused = await ground.shell('echo no >file; mkdir x; rm file; touch file', {
      workspace,
      access: 'read-only',
    });
    expect(refused.stderr.match(/Read-only file system/g)).toHaveLength(4);
    if (asRoot) expect((await ground.shell('stat -c %u file', { workspace })).stdout).toBe('1000\n');
  });

  it('ends with TERM when the program heeds it', async () => {
    const sandbox = await start('trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done');
    await firstLine(sandbox.stdout, 'up');
    const output = text(sandbox.stdout);
    expect(await sandbox.end(10_000)).toEqual({ code: 3, signal: null });
    expect(await output).toContain('bye');
  });

  it('is killed after the grace when the program ignores TERM', async () => {
    const sandbox = await start('trap "" TERM; echo up; while :; do sleep 0.05; done');
    await firstLine(sandbox.stdout, 'up');
    const begun = performance.now();
    expect(await sandbox.end(200)).toEqual({ code: null, signal: 'SIGKILL' });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(190);
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  it('is killed by a later, shorter end although a longer grace runs', async () => {
    const sandbox = await start('trap "" TERM; echo up; while :; do sleep 0.05; done');
    await firstLine(sandbox.stdout, 'up');
    const patient = sandbox.end(60_000);
    await sandbox.end(0);
    await expect(patient).resolves.toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('may be ended again and after its end', async () => {
    const sandbox = await start('exit 0');
    await sandbox.exited;
    expect(await sandbox.end(0)).toEqual({ code: 0, signal: null });
    expect(await sandbox.end(1000)).toEqual({ code: 0, signal: null });
  });

  it('takes a daemon down with it that forked twice, ignores TERM and holds stdout', async () => {
    const tag = `31${Date.now() % 100_000}`;
    const sandbox = await start(`(setsid sh -c 'trap "" TERM HUP; sleep ${tag}' &) ; echo up; exit 0`);
    await firstLine(sandbox.stdout, 'up');
    expect(await sandbox.exited).toEqual({ code: 0, signal: null });
    expect(await hostProcesses(`sleep ${tag}`)).toEqual([]);
    await sandbox.end(0);
    expect(await text(sandbox.stdout)).toBe('');
  });

  it('keeps what it printed until somebody reads it', async () => {
    const sandbox = await start('echo out; echo err >&2');
    await sandbox.exited;
    expect(await text(sandbox.stdout)).toBe('out\n');
    expect(await text(sandbox.stderr)).toBe('err\n');
  });

  it('reports its end when bubblewrap itself is killed, once nothing inside is alive', async () => {
    const tag = `32${Date.now() % 100_000}`;
    const sandbox = await start(`sleep ${tag} & echo up; wait`);
    await firstLine(sandbox.stdout, 'up');
    const [inner] = await hostProcesses(`sleep ${tag}`);
    const [bwrap] = await outermost(inner ?? 0);
    process.kill(bwrap ?? 0, 'SIGKILL');
    expect(await sandbox.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await hostProcesses(`sleep ${tag}`)).toEqual([]);
  });

  itWithCgroups('gives way while it waits, and no longer when it is employed', async () => {
    // Both on one processor: how it is divided between them does not depend on what else the machine does.
    const argv = ['/usr/bin/taskset', '-c', '0', '/bin/sh', '-c', 'while :; do :; done'] as const;
    const [waiting, working] = await Promise.all(
      [{ waits: true as const }, {}].map(async (waits) =>
        ground.sandboxes.start({
          workspace: await ground.workspace(),
          access: 'read-write',
          argv,
          ...waits,
        }),
      ),
    );
    // Until one has had a second's worth: how long that takes is the machine's affair.
    const share = async () => {
      const both = () => Promise.all([processorTicks(waiting), processorTicks(working)]);
      const before = await both();
      let used: number[] = [];
      await until(async () => {
        const now = await both();
        used = now.map((ticks, index) => ticks - (before[index] ?? 0));
        return Math.max(...used) >= TICKS_PER_SECOND;
      });
      const [first = 0, second = 0] = used;
      return first / second;
    };
    expect(await share()).toBeLessThan(0.4);
    await waiting?.employ('read-write');
    expect(await share()).toBeGreaterThan(0.6);
    for (const sandbox of [waiting, working]) await sandbox?.end(0);
  });

  it('reaches the model over its socket, and nothing else', async () => {
    const socket = join(ground.directory, 'model.sock');
    const server = createServer((request, response) =>
      response.end(`model heard ${request.method} ${request.url}`),
    );
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    if (asRoot) await chown(socket, FIRST_UID, FIRST_UID);
    try {
      const { stdout } = await ground.shell(
        `printf 'POST /v1/messages HTTP/1.0\\r\\n\\r\\n' | socat -t 5 - TCP:127.0.0.1:3128 | tail -n 1`,
        { modelSocket: socket },
      );
      expect(stdout).toBe('model heard POST /v1/messages');
    } finally {
      server.close();
    }
  });

  it('keeps the way to the model open while a program that got TERM finishes', async () => {
    const socket = join(ground.directory, 'late.sock');
    const server = createServer((_, response) => response.end('still here'));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    if (asRoot) await chown(socket, FIRST_UID, FIRST_UID);
    try {
      const ask = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | socat -t 5 - TCP:127.0.0.1:3128 | tail -n 1`;
      const sandbox = await ground.sandboxes.start({
        workspace: await ground.workspace(),
        access: 'read-only',
        argv: ['/bin/sh', '-c', `trap "${ask}; exit 0" TERM; echo up; while :; do sleep 0.05; done`],
        modelSocket: socket,
      });
      await firstLine(sandbox.stdout, 'up');
      const output = text(sandbox.stdout);
      await sandbox.end(10_000);
      expect(await output).toContain('still here');
    } finally {
      server.close();
    }
  });

  it('that cannot be started is E012, with the reason for the log only', async () => {
    const workspace = { ...(await ground.workspace()), path: join(ground.directory, 'nowhere') };
    const refused = ground.sandboxes.start({ workspace, access: 'read-only', argv: ['/bin/true'] });
    await expect(refused).rejects.toBeInstanceOf(ClaudeCodeError);
    const error = (await refused.catch((reason: unknown) => reason)) as ClaudeCodeError;
    expect(error).toMatchObject({ code: 'E012', retryAfter: expect.any(Number) });
    expect(JSON.stringify(error.toBody())).not.toContain('nowhere');
    expect(String(error.cause)).toContain('nowhere');
  });

  it('leaves neither a descriptor nor a process behind', async () => {
    const open = async () => {
      const links = (await readdir('/proc/self/fd')).map((fd) =>
        readlink(`/proc/self/fd/${fd}`).catch(() => ''),
      );
      return (await Promise.all(links)).filter((link) => /^(socket|pipe)/.test(link));
    };
    for (let round = 0; round < 3; round += 1) await ground.shell('true');
    const before = (await open()).length;
    for (let round = 0; round < 10; round += 1) {
      await ground.shell('echo x; exit 1');
      const unread = await start('yes');
      await unread.end(0);
      const failing = ground.sandboxes.start({
        workspace: { ...(await ground.workspace()), path: '/nowhere' },
        access: 'read-only',
        argv: ['/bin/true'],
      });
      await expect(failing).rejects.toMatchObject({ code: 'E012' });
    }
    await until(async () => (await open()).length <= before);
  });

  it('is ended when the server shuts down, and no other starts then', async () => {
    const other = await sandboxGround();
    const workspace = await other.workspace();
    const sandbox = await other.sandboxes.start({
      workspace,
      access: 'read-only',
      argv: ['/bin/sleep', '1000'],
    });
    await other.sandboxes.onApplicationShutdown();
    expect(await sandbox.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await expect(
      other.sandboxes.start({ workspace, access: 'read-only', argv: ['/bin/true'] }),
    ).rejects.toMatchObject({ code: 'E012' });
    await other.clear();
  });
});

/** The bubblewrap above a process of a sandbox: its ancestor whose parent is this test. */
async function outermost(pid: number): Promise<number[]> {
  for (let at = pid; at > 1;) {
    const parent = Number(/^PPid:\t(\d+)$/m.exec(await readFile(`/proc/${at}/status`, 'utf8'))?.[1]);
    if (parent === process.pid) return [at];
    at = parent;
  }
  return [];
}

/** What `sysconf(_SC_CLK_TCK)` is on Linux. */
const TICKS_PER_SECOND = 100;

/** Processor time that its processes have had, in the kernel's ticks. */
async function processorTicks(sandbox: Sandbox | undefined): Promise<number> {
  const pids = await descendantsOf((sandbox as BubblewrapSandbox).initPid ?? NaN);
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8')));
  return stats.reduce((sum, stat) => {
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + Number(fields[11]) + Number(fields[12]);
  }, 0);
}
