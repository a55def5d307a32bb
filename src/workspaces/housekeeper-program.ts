/** Where the housekeeper's program is: beside this file, as source under the tests and as JavaScript in what is built. */
import { chmod, cp, readdir } from 'node:fs/promises';
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
