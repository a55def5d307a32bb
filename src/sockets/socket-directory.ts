/** Where the sockets are: a directory with a path short enough for a unix socket, that other uids may cross but not list. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Linux: sun_path holds 108 bytes with its final NUL. */
const SOCKET_PATH_MAX_BYTES = 107;
/** `/` + 16 hexadecimal digits + `.sock`. */
const SOCKET_NAME_BYTES = 22;

export class SocketDirectory {
  private constructor(
    readonly path: string,
    private readonly temporary: boolean,
  ) {}

  /** `s` below the data directory; a private one below the system's temporary directory when that can't serve. */
  static async make(dataDirectory: string): Promise<SocketDirectory> {
    const path = join(dataDirectory, 's');
    if (Buffer.byteLength(path) + SOCKET_NAME_BYTES <= SOCKET_PATH_MAX_BYTES) {
      await mkdir(path, { recursive: true });
      await chmod(path, 0o711);
      if (await canBeCrossed(path)) {
        await removeStale(path);
        return new SocketDirectory(path, false);
      }
    }
    const temporary = await mkdtemp(join(tmpdir(), 'caisson-'));
    await chmod(temporary, 0o711);
    return new SocketDirectory(temporary, true);
  }

  /** A path for a new socket: unguessable, and without anybody's name. */
  newSocketPath(): string {
    return join(this.path, `${randomBytes(8).toString('hex')}.sock`);
  }

  async remove(): Promise<void> {
    if (this.temporary) await rm(this.path, { recursive: true, force: true });
  }
}

/** As root the sandboxes have uids of their own, which must get through every directory above. */
async function canBeCrossed(path: string): Promise<boolean> {
  if (process.getuid?.() !== 0) return true;
  for (let directory = path; ; directory = dirname(directory)) {
    if (((await stat(directory)).mode & 0o001) === 0) return false;
    if (directory === dirname(directory)) return true;
  }
}

/** Sockets that a killed server left behind: nobody listens on them. */
async function removeStale(path: string): Promise<void> {
  const sockets = (await readdir(path))
    .filter((name) => name.endsWith('.sock'))
    .map((name) => join(path, name));
  const listening = await Promise.all(sockets.map(isListening));
  await Promise.all(
    sockets.filter((_, index) => !listening[index]).map((socket) => rm(socket, { force: true })),
  );
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
