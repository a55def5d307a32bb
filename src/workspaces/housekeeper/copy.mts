/** Copies of a workspace for work that is not to touch it, and their end. */
import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { Failure } from './failure.mts';
import { ROOT } from './names.mts';
import { type Scan, scan, type ScanLimits, signatureOf } from './scan.mts';
import { indexPath, type Known, loadIndex, saveIndex } from './stat-index.mts';
import { flush } from './store.mts';
import { differences } from './tree.mts';

const COPY = '/copy';

/**
 * Copies everything, `node_modules` and `.git` included. When the workspace stayed as it was meanwhile, what is known of
 * its files is known of the copy's too, and they need not be read again.
 * @throws Failure E015
 */
export function copy(id: string, limits: ScanLimits): void {
  const before = scan(limits, loadIndex());
  const { status } = spawnSync('/bin/cp', ['-a', '--reflink=auto', '--', `${ROOT}/.`, COPY], {
    stdio: 'ignore',
  });
  if (status !== 0) throw new Failure('E015', 'the workspace could not be copied');
  const begun = Date.now();
  const after = scan(limits, { ...before, tree: '' });
  const files = differences(before.tree, after.tree).length === 0 ? copied(before) : new Map<string, Known>();
  saveIndex({ begun, tree: '', kept: after.kept, files }, id);
  flush();
}

function copied({ files }: Scan): Map<string, Known> {
  const known = new Map<string, Known>();
  for (const [name, { line }] of files) {
    const stats = lstatSync(Buffer.from(`${COPY}/${name}`, 'latin1'), { throwIfNoEntry: false });
    if (stats?.isFile() === true) known.set(name, { signature: signatureOf(stats), line });
  }
  return known;
}

/** Empties the copy, which is mounted as the workspace here, and forgets it. @throws Failure E015 */
export function drop(id: string): void {
  rmSync(indexPath(id), { force: true });
  emptyWorkspace();
}

/** Whatever is mounted as the workspace. @throws Failure E015 */
export function emptyWorkspace(): void {
  const inside = readdirSync(ROOT, { encoding: 'buffer' });
  const run = (program: string, options: string[]) =>
    spawnSync(program, [...options, '--', ROOT], { stdio: 'ignore' });
  if (inside.length === 0) return;
  // Directories that their owner closed to itself, as some package caches are.
  run('/bin/chmod', ['-R', 'u+rwX']);
  // Goes down by descriptors, so that it gets through directories deeper than any path can be written.
  spawnSync('/usr/bin/find', [ROOT, '-mindepth', '1', '-delete'], { stdio: 'ignore' });
  if (readdirSync(ROOT).length > 0) throw new Failure('E015', 'a copy could not be removed');
}
