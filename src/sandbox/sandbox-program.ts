/** Programs of our own for sandboxes: what was built of them, and this Node, where a sandbox's uid reaches both. */
import { chmod, cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILT } from './built.js';
import { makePassable, reachableProgram } from './reachable.js';

const NODE_IN_SANDBOX = '/opt/agent/node';

/** What a sandbox is shown, and the command that runs the program in it. */
export interface SandboxProgram {
  readOnly: { source: string; target: string }[];
  argv: [string, ...string[]];
}

/** Copies the modules of a folder of what was built to a directory that is made for them; every uid can read the copies. */
export async function copyModules(folder: string, directory: string): Promise<void> {
  await makePassable(directory);
  for (const file of (await readdir(join(BUILT, folder))).filter((name) => name.endsWith('.mjs'))) {
    await cp(join(BUILT, folder, file), join(directory, file));
    await chmod(join(directory, file), 0o644);
  }
}

/**
 * @param program its directory, where a sandbox is shown that, its main module relative to it, and the MiB of its heap
 * @param uid of the sandboxes; undefined: the server's own
 */
export async function sandboxProgram(
  program: { directory: string; place: string; main: string; heapMib: number },
  dataDirectory: string,
  uid: number | undefined,
): Promise<SandboxProgram> {
  const { directory, place, main, heapMib } = program;
  return {
    readOnly: [
      { source: await reachableProgram(process.execPath, uid, dataDirectory), target: NODE_IN_SANDBOX },
      { source: directory, target: place },
    ],
    argv: [NODE_IN_SANDBOX, `--max-old-space-size=${heapMib}`, `${place}/${main}`],
  };
}
