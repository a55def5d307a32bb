/** Readers that lose their connection again and again, and must miss nothing and get nothing twice. */
import { setTimeout as delay } from 'node:timers/promises';
import { io } from 'socket.io-client';
import type { StreamItem } from '../../src/execution/execution-event.js';
import { Client } from '../support/client.js';

/** Numbers in the order in which one reader was given them. */
export interface Reading {
  kind: 'sse' | 'socket.io';
  executionId: string;
  numbers: number[];
  /** How often it had to begin again. */
  resumed: number;
}

/** Where an api process can be found just now. */
export type Api = () => { url: string; secret: string };

/** Milliseconds before a reader that was cut off tries again, and after which it takes a connection that says nothing for dead. */
const AGAIN_MS = 200;
const SILENCE_MS = 15_000;

/** Follows over SSE to the end, by whichever api process answers. */
export async function readBySse(executionId: string, api: Api, signal: AbortSignal): Promise<Reading> {
  const reading: Reading = { kind: 'sse', executionId, numbers: [], resumed: -1 };
  while (!signal.aborted) {
    reading.resumed += 1;
    const { url, secret } = api();
    try {
      const events = new Client(url, secret).events(executionId, reading.numbers.at(-1) ?? 0);
      for (;;) {
        const next = await within(events.next(), SILENCE_MS);
        if (next.done === true || next.value.type === 'stream.gap') break;
        reading.numbers.push(next.value.seq);
        if (next.value.type === 'execution.finished') return reading;
      }
    } catch {
      // Whatever it was, the next connection goes on from the last number.
    }
    await delay(AGAIN_MS);
  }
  throw new Error(`no end of ${executionId} over SSE after ${reading.numbers.length} events`);
}

/** Follows over socket.io to the end. */
export async function readBySocket(executionId: string, api: Api, signal: AbortSignal): Promise<Reading> {
  const reading: Reading = { kind: 'socket.io', executionId, numbers: [], resumed: -1 };
  while (!signal.aborted) {
    reading.resumed += 1;
    if (await followOnce(executionId, api(), reading.numbers)) return reading;
    await delay(AGAIN_MS);
  }
  throw new Error(`no end of ${executionId} over socket.io after ${reading.numbers.length} events`);
}

/** One connection; true when it has seen the end. */
async function followOnce(
  executionId: string,
  { url, secret }: ReturnType<Api>,
  numbers: number[],
): Promise<boolean> {
  const socket = io(url, { auth: { token: secret }, forceNew: true, reconnection: false });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let watch = setTimeout(resolve, SILENCE_MS, false);
  socket.on('connect', () =>
    socket.emit(
      'claude-code-subscribe',
      { executionId, after: numbers.at(-1) ?? 0 },
      (answer: { error?: object }) => {
        if (answer.error !== undefined) resolve(false);
      },
    ),
  );
  socket.on('claude-code-data', (event: StreamItem) => {
    clearTimeout(watch);
    watch = setTimeout(resolve, SILENCE_MS, false);
    if (event.type === 'stream.gap') return resolve(false);
    numbers.push(event.seq);
    if (event.type === 'execution.finished') resolve(true);
  });
  for (const lost of ['disconnect', 'connect_error', 'claude-code-error'])
    socket.on(lost, () => resolve(false));
  const isOver = await promise;
  clearTimeout(watch);
  socket.disconnect();
  return isOver;
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const over = new AbortController();
  try {
    return await Promise.race([
      work,
      delay(ms, undefined, { signal: over.signal }).then(() => {
        throw new Error(`nothing for ${ms} ms`);
      }),
    ]);
  } finally {
    over.abort();
    work.catch(() => undefined);
  }
}
