/** Before all tests: makes the agent's binary reachable for the user ids of sandboxes, wherever the checkout is. */
import { chmodSync, cpSync, globSync, linkSync, mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Names the directory that the teardown removes. */
export const REACHABLE_DIRECTORY = 'CAISSON_TEST_REACHABLE_DIRECTORY';

/**
 * As root each sandbox has a user id of its own. In a checkout below a closed directory (/root is 0700) it could not
 * run the `claude` of node_modules, so the tests get it through a directory that is open; its 360 MB are linked, or
 * copied where the temporary directory is another file system.
 */
export default function globalSetup() {
  if (process.getuid?.() !== 0 || process.env.CLAUDE_CODE_BINARY) return;
  const [binary] = globSync('node_modules/@anthropic-ai/claude-agent-sdk-*/claude').map((path) =>
    resolve(path),
  );
  if (binary === undefined || passableByOthers(dirname(binary))) return;
  const directory = mkdtempSync(join(tmpdir(), 'caisson-claude-'));
  chmodSync(directory, 0o755);
  const open = join(directory, 'claude');
  linkOrCopy(binary, open);
  chmodSync(open, 0o755);
  process.env[REACHABLE_DIRECTORY] = directory;
  process.env.CLAUDE_CODE_BINARY = open;
}

/** Whether other users can pass this directory and all above it. @param {string} directory @returns {boolean} */
function passableByOthers(directory) {
  const parent = dirname(directory);
  return (statSync(directory).mode & 0o001) !== 0 && (parent === directory || passableByOthers(parent));
}

/** @param {string} source @param {string} target */
function linkOrCopy(source, target) {
  try {
    linkSync(source, target);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EXDEV') throw error;
    cpSync(source, target);
  }
}
