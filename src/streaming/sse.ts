/** Writes a stream as Server-Sent Events or as lines, no faster than the reader takes them. */
import { once } from 'node:events';
import type { Response } from 'express';
import type { HeldKeys } from '../access/held-keys.js';
import type { Principal } from '../access/principal.js';
import type { StreamItem } from '../execution/execution-event.js';

/** Often enough that proxies (nginx: 60 s) and browsers do not take a silent stream for a dead one. */
const HEARTBEAT_MS = 10_000;

/** A signal that is aborted when the client goes away. */
export function untilClosed(response: Response): AbortSignal {
  const left = new AbortController();
  response.once('close', () => left.abort());
  return left.signal;
}

/** The same, and the connection is closed when its key is revoked: a stream may last for hours. */
export function whileAllowed(response: Response, held: HeldKeys, { keyId }: Principal): AbortSignal {
  response.once(
    'close',
    held.hold(keyId, () => response.destroy()),
  );
  return untilClosed(response);
}

/**
 * Resolves when the stream has ended or the reader has left.
 * @param numberOf the number to resume after; undefined for what has none of its own
 * @param stallMs after which a reader that takes nothing is cut off: it holds a connection and what waits for it
 */
export async function sendEvents<T extends { type: string }>(
  response: Response,
  events: AsyncIterable<T>,
  numberOf: (event: T) => number | undefined,
  stallMs: number,
): Promise<void> {
  begin(response, 'text/event-stream; charset=utf-8');
  const heartbeat = setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MS);
  try {
    for await (const event of events)
      if (!(await written(response, frame(event, numberOf(event)), stallMs))) return;
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}

/** All readers of a live event are handed the same object: it is put into words once, however many they are. */
const frames = new WeakMap<object, string>();

function frame(event: { type: string }, number: number | undefined): string {
  const known = frames.get(event);
  if (known !== undefined) return known;
  const made = inWords(event, number);
  frames.set(event, made);
  return made;
}

/** A gap has no number of its own: without `id`, a client that reconnects goes on after the last event it really got. */
export const eventNumber = (event: StreamItem): number | undefined =>
  event.type === 'stream.gap' ? undefined : event.seq;

/** One JSON document a line. Cut off, not ended, when it breaks: a reader must not take what it got for all. */
export async function sendLines(
  response: Response,
  lines: AsyncIterable<object>,
  stallMs: number,
): Promise<void> {
  begin(response, 'application/x-ndjson; charset=utf-8');
  try {
    for await (const line of lines)
      if (!(await written(response, `${JSON.stringify(line)}\n`, stallMs))) return;
    response.end();
  } catch (error) {
    response.destroy();
    throw error;
  }
}

function begin(response: Response, type: string): void {
  response.writeHead(200, {
    'Content-Type': type,
    'Cache-Control': 'no-cache, no-transform',
    // nginx would otherwise collect the stream before it passes it on.
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
}

const inWords = (event: { type: string }, number: number | undefined): string =>
  `${number === undefined ? '' : `id: ${number}\n`}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** No faster than the reader takes it; false when the reader has left. */
async function written(response: Response, text: string, stallMs: number): Promise<boolean> {
  if (response.destroyed) return false;
  if (!response.write(text)) await drained(response, stallMs);
  return true;
}

async function drained(response: Response, stallMs: number): Promise<void> {
  const left = new AbortController();
  const stop = () => left.abort();
  response.once('close', stop);
  const stalled = setTimeout(() => response.destroy(), stallMs);
  try {
    await once(response, 'drain', { signal: left.signal });
  } catch (error) {
    if (!left.signal.aborted) throw error;
  } finally {
    clearTimeout(stalled);
    response.off('close', stop);
  }
}
