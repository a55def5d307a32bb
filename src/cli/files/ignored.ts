/** What git ignores is not sent: build products, dependencies, and most of all files with secrets. */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ignore, { type Ignore } from 'ignore';

interface Rules {
  /** Absolute: where the rules are from, and what their paths are relative to. */
  base: string;
  rules: Ignore;
}

/** Rules from the outermost directory inwards; an inner one has the last word, as in git. */
export class Ignored {
  private constructor(private readonly found: readonly Rules[]) {}

  /** The rules that hold in a directory, those of the repository around it included. */
  static in(directory: string): Ignored {
    const repository = repositoryAround(directory);
    if (repository === undefined) return new Ignored([]).with(directory);
    const own = rulesOf(join(repository, '.git', 'info', 'exclude'), repository);
    return between(repository, directory).reduce(
      (rules, each) => rules.with(each),
      new Ignored(own === undefined ? [] : [own]),
    );
  }

  /** Those, and the directory's own. */
  with(directory: string): Ignored {
    const own = rulesOf(join(directory, '.gitignore'), directory);
    return own === undefined ? this : new Ignored([...this.found, own]);
  }

  has(path: string, isDirectory: boolean): boolean {
    return this.found.reduce((before, { base, rules }) => {
      const { ignored, unignored } = rules.test(`${relative(base, path)}${isDirectory ? '/' : ''}`);
      return ignored || (before && !unignored);
    }, false);
  }
}

function rulesOf(file: string, base: string): Rules | undefined {
  try {
    // As git: a link is no list of rules; and it could lead to what never ends.
    if (!lstatSync(file).isFile()) return undefined;
    return { base, rules: ignore().add(readFileSync(file, 'utf8')) };
  } catch {
    return undefined; // none there, or none that can be read
  }
}

function repositoryAround(directory: string): string | undefined {
  if (existsSync(join(directory, '.git'))) return directory;
  const parent = dirname(directory);
  return parent === directory ? undefined : repositoryAround(parent);
}

/** Outermost first, both ends included. */
function between(outer: string, inner: string): string[] {
  return inner === outer ? [outer] : [...between(outer, dirname(inner)), inner];
}
