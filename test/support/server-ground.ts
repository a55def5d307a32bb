/** Ground for tests of the server as a process: for each test a data directory of its own, and nothing left afterwards. */
import { rm } from 'node:fs/promises';
import { temporaryDirectory } from './temporary-directory.js';
import { aliveOf, descendantsOf, until } from './processes.js';
import { buildServer, killServers, type ServerProcess } from './server-process.js';

/** For the top of a `describe`. */
export function serverGround(): { readonly directory: string } {
  const ground = { directory: '' };
  beforeAll(buildServer);
  beforeEach(async () => {
    ground.directory = await temporaryDirectory();
  });
  afterEach(async () => {
    await killServers();
    await rm(ground.directory, { recursive: true, force: true });
  });
  return ground;
}

/** `kill -9`; resolves when the server and all below it are gone. */
export async function kill(server: ServerProcess): Promise<void> {
  const processes = await descendantsOf(server.pid);
  server.signal('SIGKILL');
  await server.exited;
  await until(async () => (await aliveOf(processes)).length === 0);
}
