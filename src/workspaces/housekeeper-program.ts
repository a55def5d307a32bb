/** Where the housekeeper's program is, and what it needs to run in a sandbox. */
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { BUILT } from '../sandbox/built.js';
import { copyModules, type SandboxProgram, sandboxProgram } from '../sandbox/sandbox-program.js';

/** What the housekeeper reads and writes archives with; nothing of it runs in the server. */
const PACKAGES = ['tar-stream', 'yauzl', 'yazl'];
/** Stand-ins for Node's own modules in another runtime, with compiled parts: never loaded by Node. */
const OTHER_RUNTIME = 'bare-';

/**
 * Puts the program and this Node where `uid` reaches them.
 * Heap of 512 MiB: room for the manifest of the largest workspace that is taken, and a bound for a hostile one.
 */
export async function housekeeperProgram(
  dataDirectory: string,
  uid: number | undefined,
): Promise<SandboxProgram> {
  const directory = join(dataDirectory, 'housekeeper');
  await copyModules(join('workspaces', 'housekeeper'), directory);
  await providePackages(PACKAGES, join(directory, 'node_modules'));
  const program = { directory, place: '/opt/housekeeper', main: 'main.mjs', heapMib: 512 };
  return sandboxProgram(program, dataDirectory, uid);
}

/** Copies packages and what they depend on, each once: what can be resolved here need not be readable by a sandbox's uid. */
async function providePackages(names: readonly string[], target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const pending = [...names];
  const seen = new Set<string>();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name) || name.startsWith(OTHER_RUNTIME)) continue;
    seen.add(name);
    const source = packageDirectory(name);
    await cp(source, join(target, name), { recursive: true });
    const { dependencies = {} } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    pending.push(...Object.keys(dependencies));
  }
  for (const entry of await readdir(target, { recursive: true, withFileTypes: true }))
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  await chmod(target, 0o755);
}

function packageDirectory(name: string): string {
  const found = (createRequire(join(BUILT, 'main.js')).resolve.paths(name) ?? [])
    .map((directory) => join(directory, name))
    .find((directory) => existsSync(join(directory, 'package.json')));
  if (found === undefined) throw new Error(`the package ${name} is not installed`);
  return found;
}
