import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { insideOf, treeOf } from './tree.js';

describe('the files that are sent', () => {
  let root: string;
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'caisson-tree-')));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function write(files: Record<string, string>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
  }
  const paths = (directory = root, options: { only?: string[]; named?: string[] } = {}) =>
    treeOf(directory, { only: options.only ?? [], named: options.named ?? [] }).paths;

  it('are all but git itself, dependencies, and what git ignores', () => {
    write({
      'a.ts': '',
      'node_modules/x/index.js': '',
      '.git/config': '',
      '.git/info/exclude': 'local.txt\n',
      'local.txt': '',
      '.env': '',
      'dist/out.js': '',
      '.gitignore': '/dist\n.env\n*.log\n',
      'logs/x.log': '',
      'logs/.gitignore': '!kept.log\n',
      'logs/kept.log': '',
    });
    expect(paths()).toEqual(['.gitignore', 'a.ts', 'logs/.gitignore', 'logs/kept.log']);
  });

  it('heed the rules of the repository around the directory', () => {
    write({
      '.git/config': '',
      '.gitignore': '.env\n/app/dist\n',
      'app/.env': '',
      'app/dist/x': '',
      'app/a.ts': '',
    });
    expect(paths(join(root, 'app'))).toEqual(['a.ts']);
  });

  it('include what is ignored when it was named', () => {
    write({ '.gitignore': 'dist\n*.env\n', 'dist/a.js': '', 'dist/b.js': '', 'x.env': '' });
    expect(paths(root, { named: ['dist/a.js'] })).toEqual(['.gitignore', 'dist/a.js']);
    expect(paths(root, { only: ['dist'] })).toEqual(['dist/a.js', 'dist/b.js']);
  });

  it('leave out, with a word, links that lead outside and names that are no text', () => {
    write({ 'a/b.ts': '', 'bell\u0007': '' });
    symlinkSync('/etc/passwd', join(root, 'absolute'));
    symlinkSync('../../x', join(root, 'a/up'));
    symlinkSync('../a/b.ts', join(root, 'a/fine'));
    const tree = treeOf(root, { only: [], named: [] });
    expect(tree.paths).toEqual(['a/b.ts', 'a/fine']);
    expect(tree.leftOut).toEqual([
      'a/up is a link that leads outside',
      'absolute is a link that leads outside',
      'bell\u0007 holds control or invisible characters',
    ]);
  });

  it('are named from the directory, and never from outside it', () => {
    write({ 'src/a.ts': '' });
    symlinkSync('/etc', join(root, 'etc'));
    expect(insideOf(root, './src/../src/a.ts')).toBe('src/a.ts');
    expect(insideOf(root, join(root, 'src'))).toBe('src');
    expect(insideOf(root, '.')).toBe('');
    for (const path of ['..', '../x', '/etc/passwd', 'etc/passwd'])
      expect(() => insideOf(root, path)).toThrow('lies outside');
    expect(() => insideOf(root, 'none.ts')).toThrow('is not there');
  });
});
