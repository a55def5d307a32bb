/** After all tests: removes what the set-up made. */
import { rmSync } from 'node:fs';
import { REACHABLE_DIRECTORY } from './global-setup.js';

export default function globalTeardown(): void {
  const directory = process.env[REACHABLE_DIRECTORY];
  if (directory !== undefined) rmSync(directory, { recursive: true });
}
