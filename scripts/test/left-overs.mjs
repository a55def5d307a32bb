/** Finds and ends what a test run left alive: every process that descends from its subreaper, except this one. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Sandboxes die by a signal after their server; a left-over is what is still there after this time. */
const GRACE_MS = 5000;

/**
 * @param {number} subreaper pid of the `tini -s` above this process
 * @returns {Promise<string[]>} `pid command line` of each process that had to be killed
 */
export async function endLeftOvers(subreaper) {
  const deadline = performance.now() + GRACE_MS;
  let left = descendants(subreaper);
  while (left.length > 0 && performance.now() < deadline) {
    await delay(50);
    left = descendants(subreaper);
  }
  const described = left.map(({ pid }) => `${pid} ${commandLine(pid)}`);
  for (const { pid } of left) kill(pid);
  return described;
}

/** @typedef {{ pid: number, parent: number, zombie: boolean }} Process */

/** Every process below this one, whole tree, but for zombies and the caller. @param {number} subreaper */
export function descendants(subreaper) {
  const all = processes();
  /** @type {Set<number>} */
  const tree = new Set([subreaper]);
  /** @type {Process[]} */
  const found = [];
  // Pids wrap around, so a child can come before its parent: repeat until nothing is added.
  for (let before = -1; before !== tree.size;) {
    before = tree.size;
    for (const process_ of all)
      if (tree.has(process_.parent) && !tree.has(process_.pid) && process_.pid !== process.pid) {
        tree.add(process_.pid);
        if (!process_.zombie) found.push(process_);
      }
  }
  return found;
}

/** @returns {Process[]} */
function processes() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = readOrEmpty(`/proc/${name}/stat`);
      // "pid (name) state ppid …": the name may hold spaces and parentheses.
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return parent === undefined
        ? []
        : [{ pid: Number(name), parent: Number(parent), zombie: state === 'Z' }];
    });
}

/** @param {number} pid */
const commandLine = (pid) => readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() || '(ended)';

/** A process may end while it is looked at. @param {string} file */
function readOrEmpty(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')) return '';
    throw error;
  }
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}
