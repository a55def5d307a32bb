/** npm dependencies: exactly those of package-lock.json, installed only when what is there differs. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { NODE, ROOT } from './paths.mjs';
import { say, SetupError } from './report.mjs';

/** As `engines` in package.json: node:sqlite without a flag. */
const OLDEST = { major: 22, minor: 13 };

/** @throws SetupError when npm fails, or the pinned Node is not there afterwards */
export function ensureDependencies() {
  if (!installed()) {
    say('installing dependencies (npm ci: about 800 MB, a minute or two) …');
    npmCi();
  }
  checkPinnedNode();
}

/**
 * Compares the lockfile with npm's own record of what it installed, so that an `npm install` by hand counts as well.
 * Optional packages are left out: those of other platforms are never there.
 */
function installed() {
  const record = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const present = lockedPackages(record);
  return Object.entries(lockedPackages(join(ROOT, 'package-lock.json'))).every(
    ([path, wanted]) =>
      path === '' ||
      wanted.optional === true ||
      (present[path]?.version === wanted.version && present[path]?.integrity === wanted.integrity),
  );
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }>} by path; '' is the project
 */
const lockedPackages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

/**
 * `--include=dev` because the build needs it even with NODE_ENV=production. The PATH goes without node_modules/.bin:
 * npm would otherwise run on the very Node that it is about to replace.
 */
function npmCi() {
  const bin = join(ROOT, 'node_modules', '.bin');
  const path = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== bin);
  const { status, error } = spawnSync(
    'npm',
    ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: ROOT,
      env: { ...process.env, PATH: path.join(delimiter) },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  if (status !== 0) throw new SetupError(`npm ci failed (${error?.message ?? `exit ${String(status)}`})`);
}

function checkPinnedNode() {
  const { status, stdout } = spawnSync(NODE, ['--version'], { encoding: 'utf8' });
  const [, major = 0, minor = 0] = status === 0 ? stdout.split(/[v.]/).map(Number) : [];
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return;
  throw new SetupError(
    'the pinned Node is missing from node_modules (are install scripts switched off?); run: npm rebuild node --ignore-scripts=false',
  );
}
