/** Repeats what a database refuses for now, for as long as a caller that has work to lose may wait. */
import pRetry from 'p-retry';
import { StorageShortage } from '../errors/shortage.js';

/** Milliseconds: a backup or a rotation of logs is over by then, and a stop of the server (8 s for all) can wait for it. */
const PATIENCE_MS = 5000;

/** @throws StorageShortage when it is refused to the end; any other error at once */
export const patiently = <T>(work: () => Promise<T>): Promise<T> =>
  pRetry(work, {
    retries: Number.POSITIVE_INFINITY,
    maxRetryTime: PATIENCE_MS,
    minTimeout: 20,
    maxTimeout: 500,
    shouldRetry: ({ error }) => error instanceof StorageShortage,
  });
