/** After all tests: removes what the set-up made. */
import { rmSync } from 'node:fs';
import { REACHABLE_DIRECTORY } from './global-setup.mjs';

export default function globalTeardown() {
  const directory = process.env[REACHABLE_DIRECTORY];
  if (directory !== undefined) rmSync(directory, { recursive: true });
}
