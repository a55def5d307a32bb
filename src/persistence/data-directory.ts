/** The data directory as the server makes it, with files that are its owner's alone. */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.js';

/** Passable, for the sandboxes' uids on their way to their workspaces, but not listable; the umask has no say in it. */
const PASSABLE = 0o711;
const OWNER_ONLY = 0o600;

/** Path of a file for SQLite, which gives its journals the same mode; directory and file are made when missing. */
export function ownFile(config: Config, name: string): string {
  const made = mkdirSync(config.dataDirectory, { recursive: true });
  if (made !== undefined) chmodSync(config.dataDirectory, PASSABLE);
  const file = join(config.dataDirectory, name);
  closeSync(openSync(file, 'a', OWNER_ONLY));
  return file;
}
