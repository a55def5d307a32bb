/** What system call filter and limits cost: a sandbox's start and a whole execution, with and without them. */
import { mkdir } from 'node:fs/promises';
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import type * as Configuration from '../../src/config/config.js';
import type * as Root from '../../src/sandbox/bubblewrap/host-root.js';
import type * as Launch from '../../src/sandbox/bubblewrap/launch.js';
import type * as Filter from '../../src/sandbox/bubblewrap/seccomp/filter.js';
import type * as Chosen from '../../src/sandbox/limits/choose-limiter.js';
import type * as Limits from '../../src/sandbox/limits/resource-limits.js';
import type { SandboxOrder } from '../../src/sandbox/sandbox.js';
import { interleave } from '../support/interleave.ts';
import { built, ROOT } from '../support/paths.ts';
import type { Ground, Row } from '../support/row.ts';
import { type Server, startServer } from '../support/server.ts';
import { ratios } from '../support/statistics.ts';
import { unprotected } from '../support/unprotected.ts';

const GOAL = { atMost: 1.05 };
/** Any that is nobody's: as root, a sandbox needs one of its own. */
const UID = 200_000;

export const sandboxOverhead: Row = {
  name: 'sandbox-overhead',
  measures:
    'a sandbox that runs `true` to its end, and a whole execution, with system call filter and limits beside without; ' +
    'only the benchmark can start one without',
  note:
    'What is left of the difference, some half a millisecond, is the kernel making three cgroups of version 1 and moving ' +
    'the sandbox into them; the filter costs what cannot be told from noise.',
  async run(ground) {
    await using launchers = await openLaunchers(ground);
    const { launch } = await built<typeof Launch>('sandbox/bubblewrap/launch.js');
    const start = (launcher: Launch.Launcher) => async () => {
      const begun = performance.now();
      const sandbox = await launch(launchers.order, launcher);
      const after = performance.now() - begun;
      sandbox.stdin.end();
      await sandbox.exited;
      await sandbox.end(0);
      return after;
    };
    const starts = await interleave(ground.quick ? 3 : 50, {
      with: start(launchers.with),
      without: start(launchers.without),
    });

    await using guarded = await startServer(ground);
    await using open = await startServer(ground, {}, [UNPROTECTED_SERVER]);
    const whole = (server: Server) => async () => {
      const begun = performance.now();
      await server.call('POST', '/api/claude-code', { action: 'generate', prompt: SCRIPT });
      return performance.now() - begun;
    };
    const runs = await interleave(ground.quick ? 1 : 25, { with: whole(guarded), without: whole(open) });
    return [
      { name: 'start, with', unit: 'ms', samples: starts.with },
      { name: 'start, without', unit: 'ms', samples: starts.without },
      { name: 'start: with ÷ without', unit: '×', samples: ratios(starts.with, starts.without), goal: GOAL },
      { name: 'execution, with', unit: 'ms', samples: runs.with },
      { name: 'execution: with ÷ without', unit: '×', samples: ratios(runs.with, runs.without), goal: GOAL },
    ];
  },
};

const UNPROTECTED_SERVER = join(ROOT, 'bench', 'programs', 'unprotected-server.ts');

/** Some of what an agent does: it runs a program and writes a file. */
const SCRIPT = '@tool Bash {"command":"echo done > done.txt"}\n@text Done.';

async function openLaunchers({
  directory,
}: Ground): Promise<
  AsyncDisposable & { with: Launch.Launcher; without: Launch.Launcher; order: SandboxOrder }
> {
  const { Config } = await built<typeof Configuration>('config/config.js');
  const { hostRootArguments } = await built<typeof Root>('sandbox/bubblewrap/host-root.js');
  const { systemCallFilter } = await built<typeof Filter>('sandbox/bubblewrap/seccomp/filter.js');
  const { chooseLimiter } = await built<typeof Chosen>('sandbox/limits/choose-limiter.js');
  const { resourceLimits } = await built<typeof Limits>('sandbox/limits/resource-limits.js');
  const { values } = Config.from({ CAISSON_DATA: join(directory, 'launchers') });
  const limits = resourceLimits(values);
  const { limiter } = await chooseLimiter(limits);
  const filter = systemCallFilter(process.arch);
  if (filter === undefined) throw new Error(`there is no filter for ${process.arch}`);
  const protection: Launch.Launcher = {
    bwrap: values.SANDBOX_BWRAP,
    profile: { hostRoot: hostRootArguments(), tmpBytes: values.SANDBOX_TMP_BYTES },
    filter,
    limits,
    limiter,
  };
  const path = join(directory, 'workspace');
  await mkdir(path);
  const root = process.getuid?.() === 0;
  if (root) chownSync(path, UID, UID);
  const workspace = { id: 'workspace', path, ...(root ? { uid: UID } : {}) };
  return {
    with: protection,
    without: { ...protection, ...(await unprotected()) },
    order: { workspace, access: 'read-write', argv: ['/bin/true'] },
    [Symbol.asyncDispose]: () => limiter.close(),
  };
}
