/** System packages: the programs that npm cannot bring. As root apt installs them; otherwise one line says what to run. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { say, SetupError } from './report.mjs';

/** Program → Debian package. */
const PROGRAMS = { bwrap: 'bubblewrap', tini: 'tini', socat: 'socat', git: 'git' };

/** @throws SetupError with the exact command when packages are missing and this process may not install them */
export function ensurePackages() {
  const missing = Object.entries(PROGRAMS).flatMap(([program, name]) => (find(program) ? [] : [name]));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !find('apt-get'))
    throw new SetupError(
      `${missing.join(', ')} must be installed first; run: sudo apt-get update && ` +
        `sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`,
    );
  say(`installing ${missing.join(', ')} (apt-get) …`);
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...missing);
}

/** @param {string} program */
function find(program) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
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
