/** The messages between the protocol's client and an agent's process that is not trusted. */
import { Readable, Writable } from 'node:stream';
import { type AnyMessage, ndJsonStream, type Stream } from '@agentclientprotocol/sdk';

/**
 * As `ndJsonStream`, but for what the SDK (2.4.0) would write to the server's own standard error: answers that nobody asked
 * for, and notifications that have not their form. The former are dropped, and the latter are nobody's but `heard`'s.
 * @param lineBytes of one message
 * @param heard is told each notification, unchecked, before anything that comes after it is answered
 */
export function agentStream(
  input: Writable,
  output: Readable,
  lineBytes: number,
  heard: (method: string, params: unknown) => void,
): Stream {
  const { readable, writable } = ndJsonStream(Writable.toWeb(input), toBytes(output), {
    maxMessageBytes: lineBytes,
  });
  const asked = new Set<unknown>();
  const known = new TransformStream<AnyMessage, AnyMessage>({
    transform: (message, controller) => {
      if ('method' in message && !('id' in message)) heard(message.method, message.params);
      else if ('method' in message || asked.delete(message.id)) controller.enqueue(message);
    },
  });
  const noted = new TransformStream<AnyMessage, AnyMessage>({
    transform: (message, controller) => {
      if ('method' in message && 'id' in message) asked.add(message.id);
      controller.enqueue(message);
    },
  });
  // Either end that breaks is the end of the connection, which the client tells.
  noted.readable.pipeTo(writable).catch(() => undefined);
  return { readable: readable.pipeThrough(known), writable: noted.writable };
}

// What a child's output is made of: Node's types say no more than `any` of it.
const toBytes = (output: Readable): ReadableStream<Uint8Array> =>
  Readable.toWeb(output) as ReadableStream<Uint8Array>;
