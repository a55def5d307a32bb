/** Makes a server listen on a unix socket that one uid alone may connect to. */
import { once } from 'node:events';
import { chmod, chown } from 'node:fs/promises';
import type { Server } from 'node:net';

/**
 * @param uid owner of the socket; undefined = the server's own
 * @throws Error of the operating system; the server may listen then and is for the caller to close
 */
export async function listenFor(server: Server, socketPath: string, uid: number | undefined): Promise<void> {
  server.listen(socketPath);
  await once(server, 'listening');
  await chmod(socketPath, 0o600);
  if (uid !== undefined) await chown(socketPath, uid, uid);
}
