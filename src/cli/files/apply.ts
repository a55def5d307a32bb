/** Carries a plan out: first everything is written beside its place, then it is put in place. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError, EXIT } from '../exit-codes.js';
import { isExecutable, type Plan, type Step } from './plan.js';

const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;

/** @throws Error when the disk refuses; what was written beside its place is gone then */
export function apply({ root, steps, directoriesGone }: Plan): void {
  mkdirSync(root, { recursive: true });
  const staged: { step: Step; temporary: string }[] = [];
  try {
    for (const step of steps)
      if (step.after.kind === 'file') staged.push({ step, temporary: stage(root, step, step.after) });
    for (const { step, temporary } of staged) renameSync(temporary, join(root, step.path));
    for (const { path, action } of steps) if (action === 'deleted') rmSync(join(root, path));
  } finally {
    for (const { temporary } of staged) rmSync(temporary, { force: true });
  }
  // Deepest first: a directory is empty when those in it are gone.
  for (const path of [...directoriesGone].sort((a, b) => b.length - a.length)) removeIfEmpty(root, path);
}

function stage(root: string, { path, mode }: Step, after: { content: Buffer; mode: number }): string {
  const directory = dirname(join(root, path));
  mkdirSync(directory, { recursive: true });
  // The plan has seen no link on the way; this is where we really are.
  if (realpathSync(directory) !== dirname(join(realpathSync(root), path)))
    throw new CommandError(`${path} leads through a link`, EXIT.notApplied);
  const temporary = join(directory, `.claude-code-${randomBytes(12).toString('hex')}`);
  const descriptor = openSync(temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, createdMode(after.mode));
  try {
    writeFileSync(descriptor, after.content);
    // What is there keeps its permissions, unless it became a program or ceases to be one.
    if (mode !== undefined && isExecutable(mode) === isExecutable(after.mode)) fchmodSync(descriptor, mode);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return temporary;
}

/** As git has it: of the permissions only whether it is a program; the rest is the umask's. */
const createdMode = (mode: number): number => (isExecutable(mode) ? 0o777 : 0o666);

function removeIfEmpty(root: string, path: string): void {
  try {
    if (realpathSync(join(root, path)) === join(realpathSync(root), path)) rmdirSync(join(root, path));
  } catch {
    // it holds something that was not sent, or is gone already
  }
}

/**
 * Keeps what a plan would change or delete, in a directory that git ignores.
 * @returns the directory, or undefined when there was nothing to keep
 */
export function backUp({ root, steps }: Plan, name: string): string | undefined {
  const kept = steps.filter(({ action }) => action !== 'created');
  if (kept.length === 0) return undefined;
  const all = join(root, BACKUPS);
  // Whoever made the project may have put a link there.
  if (lstatSync(all, { throwIfNoEntry: false })?.isDirectory() === false)
    throw new CommandError(`${all} is no directory: no backup can be kept there`, EXIT.notApplied);
  const directory = join(all, name);
  mkdirSync(all, { recursive: true });
  mkdirSync(directory);
  ignoreAll(all);
  for (const { path } of kept) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    copyFileSync(join(root, path), join(directory, path));
  }
  return directory;
}

function ignoreAll(directory: string): void {
  const file = join(directory, '.gitignore');
  if (!existsSync(file)) writeFileSync(file, '*\n', { flag: 'wx' });
}

const BACKUPS = '.claude-code-backup';
