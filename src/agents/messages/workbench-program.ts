/** Where the workbench's program is, and what it needs to run in a sandbox. */
import { join } from 'node:path';
import { copyModules, type SandboxProgram, sandboxProgram } from '../../sandbox/sandbox-program.js';

const OWN = join('agents', 'messages', 'workbench');
/** Its own files, and those of the housekeeper that it shares: how a workspace is walked and its links are followed. */
const FOLDERS = [OWN, join('workspaces', 'housekeeper')];

/**
 * Puts the program and this Node where `uid` reaches them.
 * Heap of 256 MiB: the largest file that a tool takes, some times over, and a bound for a hostile workspace.
 */
export async function workbenchProgram(
  dataDirectory: string,
  uid: number | undefined,
): Promise<SandboxProgram> {
  const directory = join(dataDirectory, 'workbench');
  for (const folder of FOLDERS) await copyModules(folder, join(directory, folder));
  const program = { directory, place: '/opt/workbench', main: join(OWN, 'main.mjs'), heapMib: 256 };
  return sandboxProgram(program, dataDirectory, uid);
}
