/** Where the housekeeper's program is: beside this file, as source under the tests and as JavaScript in what is built. */
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getCallSites } from 'node:util';
import { makePassable, reachableProgram } from '../sandbox/reachable.js';

/**
 * This file: a URL when it runs as a module, a path when the tests run it as CommonJS. Never the source that a source map
 * names: with --enable-source-maps, as in the image, that would be asked for otherwise, and it is not there.
 */
const [{ scriptName } = { scriptName: '' }] = getCallSites(1, { sourceMap: false });
const HERE = scriptName.startsWith('file:') ? fileURLToPath(scriptName) : scriptName;
const PROGRAM = /\.(?:mts|mjs)$/;
/** What the housekeeper reads and writes archives with; nothing of it runs in the server. */
const PACKAGES = ['tar-stream', 'yauzl', 'yazl'];
/** Stand-ins for Node's own modules in another runtime, with compiled parts: never loaded by Node. */
const OTHER_RUNTIME = 'bare-';

export interface HousekeeperProgram {
  readOnly: { source: string; target: string }[];
  argv: [string, ...string[]];
}

/**
 * Puts the program and this Node where `uid` reaches them.
 * Heap of 512 MiB: room for the manifest of the largest workspace that is taken, and a bound for a hostile one.
 */
export async function housekeeperProgram(
  dataDirectory: string,
  uid: number | undefined,
): Promise<HousekeeperProgram> {
  const directory = join(dataDirectory, 'housekeeper');
  await makePassable(directory);
  for (const file of (await readdir(join(dirname(HERE), 'housekeeper'))).filter((name) =>
    PROGRAM.test(name),
  )) {
    await cp(join(dirname(HERE), 'housekeeper', file), join(directory, file));
    await chmod(join(directory, file), 0o644);
  }
  await providePackages(PACKAGES, join(directory, 'node_modules'));
  return {
    readOnly: [
      { source: await reachableProgram(process.execPath, uid, dataDirectory), target: '/opt/agent/node' },
      { source: directory, target: '/opt/housekeeper' },
    ],
    argv: [
      '/opt/agent/node',
      '--max-old-space-size=512',
      `/opt/housekeeper/main${extname(HERE) === '.ts' ? '.mts' : '.mjs'}`,
    ],
  };
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
  const found = (createRequire(HERE).resolve.paths(name) ?? [])
    .map((directory) => join(directory, name))
    .find((directory) => existsSync(join(directory, 'package.json')));
  if (found === undefined) throw new Error(`the package ${name} is not installed`);
  return found;
}
