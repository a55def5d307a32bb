/** Empties a copy of a workspace, with all that is kept of it; the directories stay: something may be mounted on them. */
import { readdirSync, rmSync } from 'node:fs';
import { emptyWorkspace } from './copy.mts';
import { STATE } from './store.mts';

/** @throws Failure E015 */
export function evict(): void {
  emptyWorkspace();
  for (const name of readdirSync(STATE)) rmSync(`${STATE}/${name}`, { recursive: true });
}
