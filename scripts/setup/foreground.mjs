/** Runs a program in the foreground as if it were this process: its streams, its signals, its exit code. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Ctrl-C arrives here twice, from the terminal and from npm; a copy within this many milliseconds is dropped. */
const SAME_KEYPRESS_MS = 500;

/**
 * The program stays in this process group, so that a signal to the group (Ctrl-C, `kill -9 -pgid`) cannot miss it; a
 * signal to npm alone is passed on. It may thus see a signal twice and must treat the second as the first.
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} its exit code, or 128 + the number of the signal that ended it
 */
export function runInForeground(program, args, env = process.env) {
  const child = spawn(program, args, { env, stdio: 'inherit' });

  let last = -Infinity;
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => {
      if (performance.now() - last >= SAME_KEYPRESS_MS) child.kill(signal);
      last = performance.now();
    });

  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}
