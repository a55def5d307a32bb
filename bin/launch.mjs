/** Runs a program of dist on a Node that can: this one, or the pinned one that is installed beside it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** As `engines` in package.json. */
const OLDEST = { major: 22, minor: 13 };

/** @param {string} file in dist */
export async function launch(file) {
  const program = join(ROOT, 'dist', file);
  if (!existsSync(program)) return complain('this is not built yet; run: npm run build', ROOT);
  if (isRecent(process.versions.node)) {
    // Programs see their own path where node has put ours.
    process.argv[1] = program;
    await import(program);
    return;
  }
  const node = pinnedNode();
  if (node === undefined)
    return complain(`this needs Node ${OLDEST.major}.${OLDEST.minor} or newer`, process.version);
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  // From a terminal it has them already; a second one within a moment counts as the same.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => void child.kill(signal));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  });
}

/** @param {string} version */
function isRecent(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
}

/** The npm package `node`: its binary is missing where install scripts are switched off. */
function pinnedNode() {
  try {
    const node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} problem @param {string} where */
function complain(problem, where) {
  process.stderr.write(`${problem} (${where})\n`);
  process.exitCode = 1;
}
