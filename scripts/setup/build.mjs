/** The build: src → dist with tsc, from clean, and only when something that goes into it has changed. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE, ROOT } from './paths.mjs';
import { say, SetupError } from './report.mjs';

const DIST = join(ROOT, 'dist');
/** Holds the digest of what dist was built from; written last, so an interrupted build is done again. */
const STAMP = join(DIST, '.built-from');

/** @throws SetupError when the sources do not compile */
export function ensureBuild() {
  const digest = digestOfInputs();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === digest) return;
  say('building …');
  // From clean: a file whose source was removed must not live on in dist. A whole build takes a few seconds.
  rmSync(DIST, { recursive: true, force: true });
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(NODE, [tsc, '-p', 'tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new SetupError('the build failed');
  writeFileSync(STAMP, digest);
}

/** Contents, not times: a fresh clone or a branch switched there and back changes every time and nothing else. */
function digestOfInputs() {
  const hash = createHash('sha256');
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) =>
    join(ROOT, name),
  );
  for (const file of [...settings, ...sources])
    hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}
