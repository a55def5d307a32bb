/** Where the state goes when the checkout is in a place that sandboxes cannot reach. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ROOT } from '../setup/paths.mjs';
import { say } from '../setup/report.mjs';

const PASSABLE_BY_OTHERS = 0o001;
const SYSTEM_DATA = '/var/lib/caisson';

/**
 * A server that runs as root gives each sandbox a user id of its own, which must be able to pass every directory above
 * the workspaces. Below /root (0700) it cannot.
 * @returns {{ CAISSON_DATA?: string }} what to add to the server's environment
 */
export function chooseDataDirectory() {
  if (process.getuid?.() !== 0 || process.env.CAISSON_DATA) return {};
  const closed = ancestors(ROOT).find((directory) => (statSync(directory).mode & PASSABLE_BY_OTHERS) === 0);
  if (closed === undefined) return {};
  say(
    `keeping data in ${SYSTEM_DATA}: sandboxes have their own user ids and cannot pass ${closed} (set CAISSON_DATA to choose)`,
  );
  return { CAISSON_DATA: SYSTEM_DATA };
}

/** @param {string} directory @returns {string[]} the directory and all above it */
function ancestors(directory) {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [directory, ...ancestors(parent)];
}
