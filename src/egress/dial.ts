/** Opens the connection to a checked address, and to no other. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { EgressRefusal } from './refusal.js';
import { isSameAddress } from './public-address.js';

/** Of those that a name has: a list without end must not become a scan. */
const MAX_ADDRESSES = 4;

/**
 * The first address that takes the connection; each gets an equal part of the time.
 * @throws EgressRefusal when none does
 */
export async function dial(
  addresses: readonly string[],
  port: number,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Socket> {
  const tried = addresses.slice(0, MAX_ADDRESSES);
  const failures: unknown[] = [];
  for (const address of tried) {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs / tried.length)]);
    try {
      return await dialOne(address, port, patience);
    } catch (error) {
      failures.push(error);
      signal.throwIfAborted();
    }
  }
  throw new EgressRefusal('unreachable', { cause: new AggregateError(failures) });
}

async function dialOne(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true });
  socket.on('error', () => undefined); // thrown here, or later seen as its end
  try {
    await once(socket, 'connect', { signal });
    // An address is dialled, so nothing was looked up again; this is the proof.
    if (!isSameAddress(socket.remoteAddress ?? '', host)) throw new Error('connected to another address');
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
