import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { apply, backUp } from './apply.js';
import type { After, Outcome } from './outcome.js';
import { digestOf, type Manifest } from './pack.js';
import { planOf } from './plan.js';

const file = (content: string, mode = 0o644): After => ({
  kind: 'file',
  content: Buffer.from(content),
  mode,
});
const GONE: After = { kind: 'gone' };
const outcome = (files: Record<string, After>, directoriesGone: string[] = []): Outcome => ({
  files: new Map(Object.entries(files)),
  directoriesGone: new Set(directoriesGone),
  leftOut: [],
  diff: '',
});

describe('changes that come back', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'caisson-plan-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const at = (path: string) => join(root, path);
  const read = (path: string) => readFileSync(at(path), 'utf8');
  /** Writes them, and says that they were sent. */
  function sent(files: Record<string, string>): Manifest {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), content);
    }
    return new Map(Object.entries(files).map(([path, content]) => [path, digestOf(Buffer.from(content))]));
  }

  it('are put in place: created, modified and deleted, with directories that became empty', () => {
    const manifest = sent({ 'a.txt': 'a', 'old/b.txt': 'b', 'kept/c.txt': 'c' });
    writeFileSync(at('kept/mine.txt'), 'not sent');
    const plan = planOf(
      outcome({ 'a.txt': file('A'), 'new/d.txt': file('D'), 'old/b.txt': GONE, 'kept/c.txt': GONE }, [
        'old',
        'kept',
      ]),
      root,
      manifest,
    );
    expect(plan.problems).toEqual([]);
    apply(plan);
    expect([read('a.txt'), read('new/d.txt')]).toEqual(['A', 'D']);
    expect(existsSync(at('old'))).toBe(false);
    expect(read('kept/mine.txt')).toBe('not sent');
  });

  it.each([
    ['../x', 'leads out'],
    ['a/../../x', 'leads out'],
    ['/etc/x', 'must be relative'],
    ['.git/hooks/post-checkout', "git's own"],
    ['sub/.GIT/config', "git's own"],
    ['a\u001b[2J', 'control'],
    ['"a\\377"', 'not UTF-8'],
    ['link/x', 'through a link'],
    ['link', 'is a link here'],
    ['here.txt/x', 'below a file'],
    ['directory', 'is no file'],
  ])('are refused as a whole for %j', (path, reason) => {
    const manifest = sent({ 'here.txt': 'x' });
    symlinkSync(tmpdir(), at('link'));
    mkdirSync(at('directory'));
    const plan = planOf(outcome({ 'fine.txt': file('x'), [path]: file('x') }), root, manifest);
    expect(plan.problems).toEqual([expect.stringContaining(reason)]);
  });

  it.each([
    ['changed here meanwhile', { 'a.txt': file('A') }, 'was changed here meanwhile'],
    ['deleted here meanwhile', { 'b.txt': file('B') }, 'was deleted here meanwhile'],
    ['here and was not sent', { 'c.txt': file('C') }, 'was not sent'],
    ['changed here and deleted there', { 'a.txt': GONE }, 'was changed here meanwhile'],
  ])('do not overwrite what is %s', (_case, files, problem) => {
    const manifest = sent({ 'a.txt': 'a', 'b.txt': 'b' });
    writeFileSync(at('a.txt'), 'mine');
    rmSync(at('b.txt'));
    writeFileSync(at('c.txt'), 'mine');
    expect(planOf(outcome(files as Record<string, After>), root, manifest).problems).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  it('need nothing done where it is so already', () => {
    const manifest = sent({ 'a.txt': 'a', 'b.txt': 'b' });
    writeFileSync(at('a.txt'), 'A');
    rmSync(at('b.txt'));
    expect(planOf(outcome({ 'a.txt': file('A'), 'b.txt': GONE }), root, manifest)).toMatchObject({
      steps: [],
      problems: [],
    });
  });

  it('keep the permissions of what is there, and make a program of what became one', () => {
    const manifest = sent({ 'private.txt': 'a', 'run.sh': 'b' });
    chmodSync(at('private.txt'), 0o600);
    apply(planOf(outcome({ 'private.txt': file('A'), 'run.sh': file('B', 0o4755) }), root, manifest));
    expect(lstatSync(at('private.txt')).mode & 0o7777).toBe(0o600);
    expect(lstatSync(at('run.sh')).mode & 0o7111).toBe(0o111);
  });

  it('go into another directory over what is there, and delete nothing in it', () => {
    sent({ 'a.txt': 'a', 'b.txt': 'b' });
    const plan = planOf(outcome({ 'a.txt': file('A'), 'b.txt': GONE, 'c.txt': file('C') }), root, undefined);
    expect(plan.steps.map(({ path, action }) => [path, action])).toEqual([
      ['a.txt', 'modified'],
      ['c.txt', 'created'],
    ]);
    expect(plan.leftOut).toEqual(['b.txt was deleted']);
  });

  it('leave a backup that git ignores', () => {
    const manifest = sent({ 'src/a.txt': 'a' });
    const plan = planOf(outcome({ 'src/a.txt': file('A'), 'b.txt': file('B') }), root, manifest);
    const kept = backUp(plan, 'one');
    apply(plan);
    expect(kept).toBe(at('.claude-code-backup/one'));
    expect(read('.claude-code-backup/one/src/a.txt')).toBe('a');
    expect(read('.claude-code-backup/.gitignore')).toBe('*\n');
  });

  it('leave no backup where a link was planted', () => {
    const manifest = sent({ 'a.txt': 'a' });
    symlinkSync(tmpdir(), at('.claude-code-backup'));
    const plan = planOf(outcome({ 'a.txt': file('A') }), root, manifest);
    expect(() => backUp(plan, 'one')).toThrow('no backup can be kept there');
  });
});
