/** The boot probe on this host: green with the real thing, red with the mend for what is missing. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { BubblewrapSandboxes } from '../../src/sandbox/bubblewrap/bubblewrap-sandboxes.js';
import { MENDS } from '../../src/sandbox/bubblewrap/mends.js';
import { PROMISES } from '../../src/sandbox/bubblewrap/probe-checks.js';
import { Config } from '../../src/config/config.js';
import { asRoot, sandboxGround, type SandboxGround } from '../support/sandbox-ground.js';

describe('the boot probe', () => {
  let ground: SandboxGround;
  beforeAll(async () => {
    Logger.overrideLogger(false); // each red probe is an error in the log
    ground = await sandboxGround();
  });
  const others: BubblewrapSandboxes[] = [];
  afterAll(async () => {
    await Promise.all(others.map((sandboxes) => sandboxes.onApplicationShutdown()));
    await ground.clear();
  });

  const order = async () => ({
    workspace: await ground.workspace(),
    access: 'read-only' as const,
    argv: ['/bin/true'] as const,
  });
  const sandboxesWith = (settings: NodeJS.ProcessEnv) => {
    const sandboxes = new BubblewrapSandboxes(
      Config.from({ CAISSON_DATA: ground.config.dataDirectory, ...settings }),
    );
    others.push(sandboxes);
    return sandboxes;
  };
  const withBwrap = (bwrap: string) => sandboxesWith({ SANDBOX_BWRAP: bwrap });

  /** A bubblewrap that is the real one but for what the script does first. */
  async function doctoredBwrap(script: string): Promise<BubblewrapSandboxes> {
    const path = join(ground.directory, `bwrap-${Math.random()}`);
    await writeFile(path, `#!/bin/bash\n${script}\n`, { mode: 0o755 });
    return withBwrap(path);
  }

  it('is green here, naming every promise', async () => {
    expect(ground.sandboxes.report).toBeUndefined();
    const report = await ground.sandboxes.probe();
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.checks.map(({ name }) => name)).toEqual(PROMISES.map(({ name }) => name));
    expect(ground.sandboxes.report).toBe(report);
  });

  it('is waited for by whoever comes first, and is run once', async () => {
    const sandboxes = withBwrap('/usr/bin/bwrap');
    sandboxes.onModuleInit();
    const started = await Promise.all([sandboxes.start(await order()), sandboxes.start(await order())]);
    expect(sandboxes.report?.ok).toBe(true);
    for (const sandbox of started) expect(await sandbox.exited).toEqual({ code: 0, signal: null });
    await sandboxes.onApplicationShutdown();
  });

  it('is red without bubblewrap, says what to install, and nothing starts', async () => {
    const sandboxes = withBwrap('/nowhere/bwrap');
    await expect(sandboxes.start(await order())).rejects.toMatchObject({
      code: 'E012',
      retryAfter: expect.any(Number),
    });
    expect(sandboxes.report).toMatchObject({
      ok: false,
      checks: [{ name: 'starts', ok: false, mend: MENDS.packages }],
    });
    expect(sandboxes.report?.checks[0]?.reason).toContain('ENOENT');
  });

  it.each([
    [
      'echo "bwrap: Can\'t mount proc on /newroot/proc: Operation not permitted" >&2; exit 1',
      MENDS.container,
    ],
    ['echo "bwrap: No permissions to create new namespace" >&2; exit 1', MENDS.userNamespaces],
    ['exit 0', MENDS.defect],
  ])('is red when bubblewrap refuses: %s', async (script, mend) => {
    const sandboxes = await doctoredBwrap(script);
    await expect(sandboxes.start(await order())).rejects.toMatchObject({ code: 'E012' });
    expect(sandboxes.report).toMatchObject({ ok: false, checks: [{ name: 'starts', mend }] });
  });

  it.each([
    ['--unshare-net', ['namespaces', 'no-network']],
    ['--as-pid-1', ['init']],
    ['--seccomp|6', ['system-calls']],
    // The filter denies namespaces too: what the one layer holds is seen only without the other.
    ['--seccomp|6|--disable-userns|--assert-userns-disabled', ['system-calls', 'no-user-namespaces']],
  ])('notices a bubblewrap that lets %s out', async (without, broken) => {
    const sandboxes = await doctoredBwrap(
      `exec 3< <(tr '\\0' '\\n' <&3 | grep -vxE -e '${without}' | tr '\\n' '\\0'); exec /usr/bin/bwrap "$@"`,
    );
    const report = await sandboxes.probe();
    const names = report.checks.filter(({ ok }) => !ok).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(broken));
    expect(report.ok).toBe(false);
  });

  it('recovers when what was missing has come and it is run again', async () => {
    const path = join(ground.directory, 'late-bwrap');
    const sandboxes = withBwrap(path);
    expect((await sandboxes.probe()).ok).toBe(false);
    await writeFile(path, '#!/bin/sh\nexec /usr/bin/bwrap "$@"\n', { mode: 0o755 });
    expect((await sandboxes.probe()).ok).toBe(true);
    const sandbox = await sandboxes.start(await order());
    await sandbox.exited;
  });

  it('is red, as root, when the data lies where the sandbox’s user cannot pass', async () => {
    if (!asRoot) return;
    const closed = join(ground.directory, 'closed');
    await mkdir(closed);
    await chmod(closed, 0o700);
    const sandboxes = sandboxesWith({ CAISSON_DATA: join(closed, 'data') });
    await expect(sandboxes.start(await order())).rejects.toMatchObject({ code: 'E012' });
    expect(sandboxes.report).toMatchObject({ ok: false, checks: [{ mend: MENDS.reachable }] });
  });
});
