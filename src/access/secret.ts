/** The secret of an API key: made, recognised, and compared without telling how much of it was right. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

const MARK = 'csk_';
const BYTES = 32;
const PREFIX_CHARS = 12;
/** Longer ones are not ours: they are not worth hashing. */
const MAX_CHARS = 512;

/** `csk_` and 256 random bits in 43 characters of base64url. */
export const makeSecret = (): string => MARK + randomBytes(BYTES).toString('base64url');

/** SHA-256, hex. A 256-bit random secret needs no slow hash. */
export const hashOf = (secret: string): string => hash('sha256', secret);

/** What may be shown of a secret, to recognise its key by. */
export const prefixOf = (secret: string): string => secret.slice(0, PREFIX_CHARS);

export const isPlausible = (secret: string): boolean => secret !== '' && secret.length <= MAX_CHARS;

/** In constant time, over two hashes of `hashOf`. */
export const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
