/** System packages: the programs that npm cannot bring. As root apt installs them; otherwise one line says what to run. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { say, SetupError } from './report.mjs';

/** Program → Debian package. */
const PROGRAMS = { bwrap: 'bubblewrap', tini: 'tini', socat: 'socat', git: 'git' };

const POLICY = '/usr/sbin/policy-rc.d';
const POSTGRESQL = '/usr/lib/postgresql';

/** What only tests start: instances of their own, never the distribution's services. */
const SERVICES = { 'redis-server': 'redis-server', initdb: 'postgresql' };

/** @throws SetupError with the exact command when packages are missing and this process may not install them */
export function ensurePackages() {
  const missing = missingOf(PROGRAMS);
  if (missing.length === 0) return;
  if (!mayInstall())
    throw new SetupError(
      `${missing.join(', ')} must be installed first; run: sudo apt-get update && ` +
        `sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`,
    );
  install(missing);
}

/** What cannot be had here is said; the tests that need it are skipped, and counted as such. */
export function ensureServices() {
  const missing = missingOf(SERVICES);
  if (missing.length === 0) return;
  if (!mayInstall()) return say(`without ${missing.join(', ')} the tests of several processes are skipped`);
  try {
    withoutStarting(() => install(missing));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`${error.message}; the tests that need ${missing.join(', ')} are skipped`);
  }
}

/** Debian starts what it installs, unless this file says that nothing may be. @param {() => void} work */
function withoutStarting(work) {
  if (existsSync(POLICY)) return work();
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    work();
  } finally {
    rmSync(POLICY);
  }
}

const mayInstall = () => process.getuid?.() === 0 && find('apt-get');

/** @param {Record<string, string>} programs */
const missingOf = (programs) =>
  Object.entries(programs).flatMap(([program, name]) => (find(program) ? [] : [name]));

/** @param {string[]} packages */
function install(packages) {
  say(`installing ${packages.join(', ')} (apt-get) …`);
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...packages);
}

/** @param {string} program */
function find(program) {
  // Debian keeps the programs of PostgreSQL's server out of the PATH.
  const debian = existsSync(POSTGRESQL)
    ? readdirSync(POSTGRESQL).map((version) => join(POSTGRESQL, version, 'bin'))
    : [];
  return [...(process.env.PATH ?? '').split(delimiter), ...debian].some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return directory !== '';
    } catch {
      return false;
    }
  });
}

/** Its output is shown only when it fails. @param {string[]} args */
function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, error, stdout, stderr } = spawnSync('apt-get', ['-q', ...args], { env, encoding: 'utf8' });
  if (status === 0) return;
  process.stderr.write(`${stdout}${stderr}`);
  throw new SetupError(`apt-get ${args.join(' ')} failed (${error?.message ?? `exit ${String(status)}`})`);
}
