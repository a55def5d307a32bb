/**
 * Decides what would be done to a directory, before anything is: what an agent made is a stranger's word. Nothing leaves the
 * directory, no link is followed, git's own files are never touched, and what has changed since it was sent is not lost.
 */
import { lstatSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { workspacePathProblem } from '../../workspaces/housekeeper/path-rule.mts';
import type { After, Outcome } from './outcome.js';
import { digestOf, type Manifest } from './pack.js';

export interface Step {
  path: string;
  action: 'created' | 'modified' | 'deleted';
  after: After;
  /** Permissions of what is there. */
  mode?: number;
}

export interface Plan {
  root: string;
  steps: Step[];
  /** Any of them, and nothing is done. */
  problems: string[];
  leftOut: string[];
  directoriesGone: Set<string>;
}

/** @param manifest what was sent from this directory; undefined for one that results are only put into */
export function planOf(outcome: Outcome, root: string, manifest: Manifest | undefined): Plan {
  const { directoriesGone } = outcome;
  const plan: Plan = { root, steps: [], problems: [], leftOut: [...outcome.leftOut], directoriesGone };
  for (const [path, after] of outcome.files) {
    const problem = forbidden(path) ?? blocked(root, path);
    if (problem !== undefined) plan.problems.push(`${path} ${problem}`);
    else if (manifest === undefined) put(plan, path, after);
    else change(plan, path, after, manifest.get(path));
  }
  return plan;
}

function forbidden(path: string): string | undefined {
  // In quotes comes a name that is not UTF-8, as git writes it.
  if (path.startsWith('"')) return 'has a name that is not UTF-8';
  if (path.split('/').some((part) => part.toLowerCase() === '.git')) return "is one of git's own files";
  return workspacePathProblem(path)?.reason;
}

/** Why no file can be written there whatever it holds. */
function blocked(root: string, path: string): string | undefined {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const stats = statsOf(join(root, ...parts.slice(0, depth)));
    if (stats === undefined) return undefined;
    if (stats.isSymbolicLink()) return depth < parts.length ? 'leads through a link' : 'is a link here';
    if (depth < parts.length && !stats.isDirectory()) return 'lies below a file';
    if (depth === parts.length && !stats.isFile()) return 'is here, and is no file';
  }
  return undefined;
}

/** Into a directory of results: over what is there, which the look before it shows. */
function put(plan: Plan, path: string, after: After): void {
  const stats = statsOf(join(plan.root, path));
  if (after.kind === 'gone') return void plan.leftOut.push(`${path} was deleted`);
  if (stats !== undefined && same(plan.root, path, stats, after)) return;
  plan.steps.push({
    path,
    after,
    action: stats === undefined ? 'created' : 'modified',
    ...(stats === undefined ? {} : { mode: stats.mode & 0o777 }),
  });
}

/** In the directory that was sent: only what is as it was then. */
function change(plan: Plan, path: string, after: After, sent: string | undefined): void {
  const stats = statsOf(join(plan.root, path));
  if (stats === undefined) {
    if (after.kind === 'gone') return;
    if (sent === undefined) plan.steps.push({ path, after, action: 'created' });
    else plan.problems.push(`${path} was deleted here meanwhile`);
    return;
  }
  if (after.kind === 'file' && same(plan.root, path, stats, after)) return;
  if (sent === undefined) {
    if (after.kind === 'file') plan.problems.push(`${path} is here already, and was not sent`);
    return;
  }
  if (digestOf(readFileSync(join(plan.root, path))) !== sent)
    return void plan.problems.push(`${path} was changed here meanwhile`);
  const action = after.kind === 'gone' ? 'deleted' : 'modified';
  plan.steps.push({ path, after, action, mode: stats.mode & 0o777 });
}

const statsOf = (place: string): Stats | undefined => lstatSync(place, { throwIfNoEntry: false });

export const isExecutable = (mode: number): boolean => (mode & 0o100) !== 0;

const same = (root: string, path: string, stats: Stats, after: After & { kind: 'file' }): boolean =>
  stats.size === after.content.length &&
  isExecutable(stats.mode) === isExecutable(after.mode) &&
  readFileSync(join(root, path)).equals(after.content);
