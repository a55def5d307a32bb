/** A stream of events that goes on: whatever happens to the connection, every event comes once and in order. */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import pRetry, { type RetryContext } from 'p-retry';
import { CaissonError } from './error.js';

/** The server says every 10 s that it is still there: three times missed, and the connection is taken for dead. */
const SILENCE_MS = 35_000;
/** Milliseconds between attempts, doubled up to the second. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;
/** How long the server may be away: a restart, a deployment, a train's tunnel. */
export const PATIENCE_MS = 5 * 60_000;

export interface StreamOptions {
  /** Only what comes after this number. */
  after?: number;
  /** Ends the stream, with the signal's reason. */
  signal?: AbortSignal;
  /** Milliseconds without a connection after which the stream gives up. Default: five minutes. */
  patienceMs?: number;
  /** Told whenever the connection is lost, before it is made anew. */
  onInterruption?: (error: Error, attempt: number) => void;
}

export interface Source<Item> extends StreamOptions {
  /** Asks for everything after the number. @throws CaissonError when it is refused */
  connect: (after: number, signal: AbortSignal) => Promise<Response>;
  /** Undefined of an item that is told anew to whoever comes again. */
  numberOf: (item: Item) => number | undefined;
  /** True of the item after which nothing comes. */
  isLast: (item: Item) => boolean;
}

/** @throws CaissonError when the server refuses it for good, or Error when it cannot be reached for too long */
export async function* resuming<Item extends { type: string }>(source: Source<Item>): AsyncGenerator<Item> {
  let after = source.after ?? 0;
  for (let fruitless = 0; ; fruitless += 1) {
    if (fruitless > 1) await wait(Math.min(FIRST_WAIT_MS * 2 ** fruitless, LONGEST_WAIT_MS), source.signal);
    const lost = new AbortController();
    const signal = AbortSignal.any([lost.signal, ...(source.signal === undefined ? [] : [source.signal])]);
    const response = await patiently(() => source.connect(after, signal), {
      ...source,
      // The first is told where the connection is lost.
      onInterruption: (error, attempt) => source.onInterruption?.(error, attempt + (fruitless === 0 ? 0 : 1)),
    });
    let gap = false;
    try {
      for await (const item of itemsOf(response, lost) as AsyncGenerator<Item>) {
        // A gap tells a slow reader what it has to fetch: connecting again after the last number does.
        gap = item.type === 'stream.gap';
        if (gap) break;
        const number = source.numberOf(item) ?? after + 1;
        if (number <= after) continue;
        if (source.numberOf(item) !== undefined) [after, fruitless] = [number, 0];
        yield item;
        if (source.isLast(item)) return;
      }
      if (!gap) source.onInterruption?.(new Error('the stream ended early'), 1);
    } catch (error) {
      source.signal?.throwIfAborted();
      // What is no JSON now will be none the next time.
      if (error instanceof SyntaxError) throw error;
      source.onInterruption?.(error instanceof Error ? error : new Error(String(error)), 1);
    } finally {
      lost.abort();
    }
  }
}

/** Tries again what failed for a reason that passes. */
export function patiently<T>(work: () => Promise<T>, options: StreamOptions): Promise<T> {
  return pRetry(work, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: FIRST_WAIT_MS,
    maxTimeout: LONGEST_WAIT_MS,
    // Many clients lose the same server at the same moment.
    randomize: true,
    maxRetryTime: options.patienceMs ?? PATIENCE_MS,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    shouldRetry: ({ error }) => !(error instanceof CaissonError) || error.passing,
    onFailedAttempt: ({ error, attemptNumber }: RetryContext) => {
      options.signal?.throwIfAborted();
      options.onInterruption?.(error, attemptNumber);
    },
  });
}

async function* itemsOf(response: Response, lost: AbortController): AsyncGenerator {
  if (response.body === null) throw new Error('the answer has no body');
  let silence = watch(lost);
  const heard = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      clearTimeout(silence);
      silence = watch(lost);
      controller.enqueue(chunk);
    },
  });
  try {
    const messages = response.body
      .pipeThrough(heard)
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const { data } of messages) yield JSON.parse(data);
  } finally {
    clearTimeout(silence);
  }
}

const watch = (lost: AbortController) =>
  setTimeout(() => lost.abort(new Error(`nothing was heard for ${SILENCE_MS / 1000} s`)), SILENCE_MS);

/** @throws the signal's reason */
function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const stop = () => {
    clearTimeout(timer);
    reject(signal?.reason as Error);
  };
  signal?.addEventListener('abort', stop, { once: true });
  return promise.finally(() => signal?.removeEventListener('abort', stop));
}
