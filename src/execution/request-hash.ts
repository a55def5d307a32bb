/** Recognises the same request: equal for bodies that differ only in the order of their fields. */
import { createHash } from 'node:crypto';
import stringify from 'safe-stable-stringify';

/** SHA-256, hex. */
export const requestHash = (request: object): string =>
  createHash('sha256').update(stringify(request)).digest('hex');
