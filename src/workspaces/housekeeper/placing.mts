/**
 * Puts a staged tree in place: every conflict is found first, the plan is written down, then each step is one rename. Until
 * the plan is removed, which is the moment it counts, everything can be taken back, also by a later process.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { onDisk } from './names.mts';
import type { PlacingMode } from './protocol.mts';
import { refused } from './staged-tree.mts';
import { statsIfAny } from './stats.mts';
import { isHidden } from './walk.mts';

/**
 * One move. `new`: nothing is at `to`. `over`: something is, and is kept by a second name at `kept` until it counts.
 * `away`: what is at `to` goes to `kept`. Names as the file system has them.
 */
type Step =
  | { kind: 'new'; from: string; to: string }
  | { kind: 'over'; from: string; to: string; kept: string }
  | { kind: 'away'; to: string; kept: string };

/** @throws Failure E010 where a directory meets something else; nothing has been moved then */
export function place(staging: string, into: string, mode: PlacingMode): void {
  const steps = planned(staging, into, mode);
  mkdirSync(onDisk(`${staging}/old`));
  writePlan(staging, steps);
  for (const step of steps) take(step);
  rmSync(onDisk(planOf(staging)));
}

/** Undoes as much of a plan as was carried out; again as often as somebody likes. */
export function takeBack(staging: string): void {
  for (const step of readPlan(staging).reverse()) undo(step);
}

function planned(staging: string, into: string, mode: PlacingMode): Step[] {
  const steps: Step[] = [];
  let kept = 0;
  const keptName = () => `${staging}/old/${(kept += 1)}`;
  const away = (to: string) => steps.push({ kind: 'away', to, kept: keptName() });
  if (mode === 'replace' && into === '')
    for (const name of namesIn('')) if (name !== staging && !isHidden(name)) away(name);
  const emptied = mode === 'replace' && into === '';
  const pending = [''];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop())
    for (const child of namesIn(`${staging}/tree${directory === '' ? '' : `/${directory}`}`)) {
      const to = directory === '' ? child : `${directory}/${child}`;
      const from = `${staging}/tree/${to}`;
      const there = emptied ? undefined : statsIfAny(to);
      const isDirectory = lstatSync(onDisk(from)).isDirectory();
      if (there === undefined) steps.push({ kind: 'new', from, to });
      else if (isDirectory !== there.isDirectory()) throw conflict(to, isDirectory);
      else if (!isDirectory) steps.push({ kind: 'over', from, to, kept: keptName() });
      else if (mode === 'replace' && to === into) {
        away(to);
        steps.push({ kind: 'new', from, to });
      } else pending.push(to);
    }
  return steps;
}

function take(step: Step): void {
  if (step.kind === 'away') return renameSync(onDisk(step.to), onDisk(step.kept));
  if (step.kind === 'over') linkSync(onDisk(step.to), onDisk(step.kept));
  renameSync(onDisk(step.from), onDisk(step.to));
}

function undo(step: Step): void {
  if (step.kind === 'new') {
    if (statsIfAny(step.from) === undefined && statsIfAny(step.to) !== undefined)
      renameSync(onDisk(step.to), onDisk(step.from));
    return;
  }
  // `over` not carried out: both names are the same file, and renaming one to the other does nothing.
  if (statsIfAny(step.kept) !== undefined) renameSync(onDisk(step.kept), onDisk(step.to));
}

const planOf = (staging: string) => `${staging}/plan`;

function writePlan(staging: string, steps: readonly Step[]): void {
  const written = openSync(onDisk(`${planOf(staging)}.new`), 'wx', 0o600);
  try {
    for (const step of steps) writeSync(written, `${JSON.stringify(step)}\n`);
    fsyncSync(written);
  } finally {
    closeSync(written);
  }
  renameSync(onDisk(`${planOf(staging)}.new`), onDisk(planOf(staging)));
}

/** Whoever else can write there owns all that the steps could touch. */
function readPlan(staging: string): Step[] {
  if (!existsSync(onDisk(planOf(staging)))) return [];
  const lines = readFileSync(onDisk(planOf(staging)), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Step);
}

const namesIn = (directory: string): string[] =>
  readdirSync(onDisk(directory), { encoding: 'latin1' }).sort();

const conflict = (to: string, isDirectory: boolean) =>
  refused(
    Buffer.from(to, 'latin1').toString('utf8'),
    'E010',
    isDirectory
      ? 'is a directory in the upload and something else in the workspace'
      : 'is a directory in the workspace and something else in the upload',
  );
