/** Ground for tests that start real sandboxes: a data directory, sandboxes on it, and workspaces to run them in. */
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { Config } from '../../src/config/config.js';
import { BubblewrapSandboxes } from '../../src/sandbox/bubblewrap/bubblewrap-sandboxes.js';
import { makePassable } from '../../src/sandbox/reachable.js';
import type { SandboxExit, SandboxOrder, SandboxWorkspace } from '../../src/sandbox/sandbox.js';

export interface SandboxGround {
  directory: string;
  config: Config;
  sandboxes: BubblewrapSandboxes;
  workspace(uid?: number): Promise<SandboxWorkspace>;
  /** Runs a line of shell to its end. */
  shell(
    line: string,
    order?: Partial<SandboxOrder>,
  ): Promise<{ stdout: string; stderr: string; exit: SandboxExit }>;
  /** Ends every sandbox and removes everything. */
  clear(): Promise<void>;
}

export const asRoot = process.getuid?.() === 0;
export const FIRST_UID = 200_001;

export async function sandboxGround(settings: NodeJS.ProcessEnv = {}): Promise<SandboxGround> {
  const directory = await mkdtemp(join(tmpdir(), 'caisson-test-'));
  const data = join(directory, 'data');
  await makePassable(data);
  // mkdtemp makes it for its owner alone; the sandboxes have another uid when the tests run as root.
  await chmod(directory, 0o711);
  const config = Config.from({ CAISSON_DATA: data, ...settings });
  const sandboxes = new BubblewrapSandboxes(config);
  let count = 0;
  const workspace = async (uid = FIRST_UID): Promise<SandboxWorkspace> => {
    const id = `workspace-${(count += 1)}`;
    const path = join(directory, id);
    await mkdir(path, { mode: 0o700 });
    if (!asRoot) return { id, path };
    await chown(path, uid, uid);
    return { id, path, uid };
  };
  return {
    directory,
    config,
    sandboxes,
    workspace,
    shell: async (line, order) => {
      const sandbox = await sandboxes.start({
        workspace: order?.workspace ?? (await workspace()),
        access: 'read-write',
        argv: ['/bin/sh', '-c', line],
        ...order,
      });
      sandbox.stdin.end();
      const [stdout, stderr, exit] = await Promise.all([
        text(sandbox.stdout),
        text(sandbox.stderr),
        sandbox.exited,
      ]);
      return { stdout, stderr, exit };
    },
    clear: async () => {
      await sandboxes.onApplicationShutdown();
      // Not Node's own: tests leave directories deeper than a path can be written.
      await promisify(execFile)('rm', ['-rf', directory]);
    },
  };
}
