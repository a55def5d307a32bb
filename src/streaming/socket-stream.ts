/** Sends a stream of events over socket.io, no faster than the connection takes them. */
import type { Socket } from 'socket.io';
import type { Principal } from '../access/principal.js';
import type { ClaudeCodeResponse } from '../commands/claude-code-response.js';
import type { ErrorBody } from '../errors/claude-code.error.js';
import type { StreamItem } from '../execution/execution-event.js';
import type { EndStatus } from '../execution/execution-state.js';

/** What the server says: the specification's names, and those of a batch. */
interface ServerMessages {
  'claude-code-data': (event: StreamItem & { text?: string }) => void;
  'claude-code-complete': (end: {
    executionId: string;
    exitCode: number;
    response: ClaudeCodeResponse;
  }) => void;
  'claude-code-batch-data': (item: { batchId: string; type: string }) => void;
  'claude-code-batch-complete': (end: { batchId: string; batch: object }) => void;
  'claude-code-error': (failure: { executionId?: string; error: ErrorBody }) => void;
}

export type ClientSocket = Socket<
  Record<string, (...args: unknown[]) => void>,
  ServerMessages,
  Record<string, never>,
  {
    principal?: Principal;
    left: AbortController;
    /** Messages that wait for their answer, and those that were refused for the rate limit. */
    burden: number;
  }
>;

/** Events that are handed to the connection before the stream waits for it to have sent them. */
const AHEAD = 64;

/** As a shell would report them: `timeout` exits with 124, a process ended by SIGINT with 130. */
const EXIT_CODES = { succeeded: 0, failed: 1, timed_out: 124, cancelled: 130 } as const satisfies Record<
  EndStatus,
  number
>;

/**
 * Resolves when the stream has ended or the client has left.
 * @param stallMs after which a client that takes nothing is cut off
 */
export const sendToSocket = (
  socket: ClientSocket,
  events: AsyncIterable<StreamItem>,
  stallMs: number,
): Promise<void> =>
  paced(socket, events, stallMs, (event) => {
    const { executionId } = event;
    socket.emit(
      'claude-code-data',
      event.type === 'agent.text' ? { ...event, text: event.data.text } : event,
    );
    if (event.type === 'execution.finished') {
      const { status, response } = event.data;
      if (response.error !== undefined)
        socket.emit('claude-code-error', { executionId, error: response.error });
      socket.emit('claude-code-complete', { executionId, exitCode: EXIT_CODES[status], response });
    }
  });

/** Says each item when the connection has taken those before it; one that takes nothing for so long is cut off. */
export async function paced<T>(
  socket: ClientSocket,
  items: AsyncIterable<T>,
  stallMs: number,
  say: (item: T) => void,
): Promise<void> {
  let ahead = 0;
  for await (const item of items) {
    if (socket.disconnected) return;
    say(item);
    ahead += 1;
    if (ahead < AHEAD) continue;
    if (!socket.conn.transport.writable) await drained(socket, stallMs);
    ahead = 0;
  }
}

async function drained(socket: ClientSocket, stallMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { conn } = socket;
  // At once: `disconnect` would first wait for the client to take what is there. Pings do not see to it, since whoever
  // reads nothing may still answer them unasked.
  const stalled = setTimeout(() => conn.close(true), stallMs);
  const over = () => resolve();
  conn.once('drain', over);
  socket.once('disconnect', over);
  await promise;
  clearTimeout(stalled);
  conn.off('drain', over);
  socket.off('disconnect', over);
}
