/** Reads from a socket just as much as it takes to understand its beginning. */
import type { Socket } from 'node:net';
import { EgressRefusal } from './refusal.js';

/**
 * The socket is paused afterwards; what it brought is in `bytes`, all of it.
 * @param head what was read of it before @param read undefined = more is needed; what it throws is thrown here
 * @throws EgressRefusal `no-tls` when it ends, or the signal comes, before that
 */
export function firstBytes<T>(
  socket: Socket,
  head: Buffer,
  read: (bytes: Buffer) => T | undefined,
  signal: AbortSignal,
): Promise<{ bytes: Buffer; found: T }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ bytes: Buffer; found: T }>();
  let bytes = head;
  const look = () => {
    try {
      const found = read(bytes);
      if (found !== undefined) resolve({ bytes, found });
    } catch (error) {
      reject(error);
    }
  };
  const more = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    look();
  };
  const over = () =>
    reject(signal.reason instanceof EgressRefusal ? signal.reason : new EgressRefusal('no-tls'));
  look();
  if (signal.aborted || socket.destroyed || socket.readableEnded) over();
  signal.addEventListener('abort', over);
  socket.on('data', more).on('end', over).on('close', over);
  return promise.finally(() => {
    signal.removeEventListener('abort', over);
    socket.off('data', more).off('end', over).off('close', over).pause();
  });
}
