/** The files of a directory that are sent: those that git would keep, or those that were named. */
import { type Dirent, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { workspacePathProblem } from '../../workspaces/housekeeper/path-rule.mts';
import { CommandError, exitCodeOf } from '../exit-codes.js';
import { Ignored } from './ignored.js';

/** As many as a server takes by default; whoever has more has named the wrong directory. */
const ENTRIES_MAX = 100_000;
/** Never in a snapshot of a server, and never brought back. */
const NEVER_SENT = new Set(['.git', 'node_modules']);

export interface Tree {
  /** Absolute, without links. */
  root: string;
  /** Relative, `/` between the parts. */
  paths: string[];
  /** What is left out though nobody asked for that, with the reason. */
  leftOut: string[];
}

export interface TreeOptions {
  /** Only these and what is below them; empty: everything. */
  only: readonly string[];
  /** Sent even where git ignores them: whoever names a file means it. */
  named: readonly string[];
}

/** @throws CommandError when it is no directory that can be read, or holds too much */
export function treeOf(root: string, { only, named }: TreeOptions): Tree {
  const tree: Tree = { root, paths: [], leftOut: [] };
  const forced = [...only, ...named];
  const visit = (directory: string, ignored: Ignored) => {
    for (const entry of entriesOf(join(root, directory))) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      const isDirectory = entry.isDirectory();
      if (NEVER_SENT.has(entry.name)) continue;
      if (only.length > 0 && !concerns(path, only)) continue;
      if (ignored.has(join(root, path), isDirectory) && !concerns(path, forced)) continue;
      if (isDirectory) {
        visit(path, ignored.with(join(root, path)));
        continue;
      }
      const problem = problemOf(root, path, entry);
      if (problem === undefined) tree.paths.push(path);
      else if (problem !== '') tree.leftOut.push(`${path} ${problem}`);
      if (tree.paths.length > ENTRIES_MAX)
        throw new CommandError(
          `${root} holds more than ${ENTRIES_MAX} files; name what is meant with --directory or --only`,
        );
    }
  };
  visit('', Ignored.in(root));
  return tree;
}

/** The directory without links in its own path. @throws CommandError */
export function existingDirectory(path: string): string {
  try {
    const real = realpathSync(path);
    if (statSync(real).isDirectory()) return real;
  } catch {
    // told below
  }
  throw new CommandError(`${path} is no directory`);
}

/**
 * A path as the server has it: relative to the directory, `/` between the parts; '' is the directory itself.
 * @throws CommandError when it is not there, or lies outside
 */
export function insideOf(root: string, path: string): string {
  const found = resolve(root, path);
  const inside = relative(root, found);
  const outside = inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
  const real = outside ? undefined : realOf(found);
  if (outside || (real !== undefined && real !== root && !real.startsWith(`${root}${sep}`)))
    throw new CommandError(
      `${path} lies outside ${root}; name the directory with --directory`,
      exitCodeOf('E004'),
    );
  if (real === undefined)
    throw new CommandError(`${path} is not there (looked in ${root})`, exitCodeOf('E004'));
  return inside.split(sep).join('/');
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new CommandError(
      `${directory} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`,
    );
  }
}

/** True of one of the names, of what is below it, and of the directories above it. */
const concerns = (path: string, names: readonly string[]): boolean =>
  names.some(
    (name) => name === '' || path === name || path.startsWith(`${name}/`) || name.startsWith(`${path}/`),
  );

/** Why an entry cannot be sent; '' when that needs no word. */
function problemOf(root: string, path: string, entry: Dirent): string | undefined {
  if (!entry.isFile() && !entry.isSymbolicLink()) return ''; // sockets, pipes, devices
  if (path.includes('\ufffd')) return 'has a name that is not UTF-8';
  const problem = workspacePathProblem(path);
  if (problem !== undefined) return problem.reason;
  if (entry.isFile()) return undefined;
  return staysInside(readlinkSync(join(root, path)), path) ? undefined : 'is a link that leads outside';
}

/** Told from the text alone, as the server tells it: up at the beginning only, and no further than the link is deep. */
function staysInside(target: string, path: string): boolean {
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const climbs = parts.findIndex((part) => part !== '..');
  const up = climbs < 0 ? parts.length : climbs;
  return !target.startsWith('/') && up < path.split('/').length && !parts.slice(up).includes('..');
}
