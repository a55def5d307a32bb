/** Programs that only tests need and that Debian brings: installed when this is root, else a reason to skip. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LOCK = join(tmpdir(), 'caisson-apt.lock');

/**
 * @param programs program → the packages that bring it and what it works with
 * @returns why the tests cannot run, or undefined when everything is there
 */
export function missingPrograms(programs: Record<string, string[]>): string | undefined {
  const missing = Object.keys(programs).filter((it) => !found(it));
  if (missing.length === 0) return undefined;
  const packages = missing.flatMap((it) => programs[it] ?? []);
  if (process.getuid?.() !== 0 || !found('apt-get'))
    return `without ${missing.join(', ')} (apt-get install ${packages.join(' ')})`;
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const { status, stdout, stderr } = spawnSync(
      // One after the other: apt waits for its lock on packages, but not for that on its lists.
      'flock',
      [LOCK, 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120', ...args],
      // RUNLEVEL: a package that is a service must not start one on this machine.
      { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }, encoding: 'utf8' },
    );
    if (status !== 0) return `apt-get ${args.join(' ')} failed: ${stdout}${stderr}`.slice(0, 2000);
  }
  return undefined;
}

const found = (program: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0 ||
  // Debian keeps servers where an ordinary user's PATH does not lead.
  spawnSync('test', ['-x', `/usr/sbin/${program}`]).status === 0;
