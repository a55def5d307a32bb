/** Writes a stream of events as Server-Sent Events, no faster than the reader takes them. */
import { once } from 'node:events';
import type { Response } from 'express';
import type { StreamItem } from '../execution/execution-event.js';

/** Often enough that proxies (nginx: 60 s) and browsers do not take a silent stream for a dead one. */
const HEARTBEAT_MS = 10_000;

/** A signal that is aborted when the client goes away. */
export function untilClosed(response: Response): AbortSignal {
  const left = new AbortController();
  response.once('close', () => left.abort());
  return left.signal;
}

/**
 * Resolves when the stream has ended or the reader has left.
 * @param stallMs after which a reader that takes nothing is cut off: it holds a connection and what waits for it
 */
export async function sendEvents(
  response: Response,
  events: AsyncIterable<StreamItem>,
  stallMs: number,
): Promise<void> {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache, no-transform',
    // nginx would otherwise collect the stream before it passes it on.
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  const heartbeat = setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MS);
  try {
    for await (const event of events) {
      if (response.destroyed) return;
      if (!response.write(frame(event))) await drained(response, stallMs);
    }
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}

/** All readers of a live event are handed the same object: it is put into words once, however many they are. */
const frames = new WeakMap<StreamItem, string>();

function frame(event: StreamItem): string {
  const known = frames.get(event);
  if (known !== undefined) return known;
  const made = inWords(event);
  frames.set(event, made);
  return made;
}

/** A gap has no number of its own: without `id`, a client that reconnects goes on after the last event it really got. */
const inWords = (event: StreamItem): string =>
  `${event.type === 'stream.gap' ? '' : `id: ${event.seq}\n`}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

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
