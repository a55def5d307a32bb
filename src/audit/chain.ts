/** The hash chain: each entry's hash covers the one before, so that none can be edited, removed or moved unseen. */
import { createHash } from 'node:crypto';

export interface Link {
  id: number;
  hash: string;
}

/** A stored row of the audit table. */
export interface ChainRow extends Link {
  at: number;
  userId: string | null;
  entry: string;
}

/** SHA-256, hex, over the hash before, a newline and the entry as stored. */
export const linkHash = (previousHash: string, entry: string): string =>
  createHash('sha256').update(`${previousHash}\n${entry}`).digest('hex');

/** @returns true when the row is the one that follows `previous`, unchanged, its filter columns too */
export function follows(previous: Link, row: ChainRow): boolean {
  if (row.id !== previous.id + 1 || row.hash !== linkHash(previous.hash, row.entry)) return false;
  const { at, userId } = JSON.parse(row.entry) as { at: number; userId?: string };
  return at === row.at && (userId ?? null) === row.userId;
}
