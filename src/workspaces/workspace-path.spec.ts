import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { workspacePathProblem } from './housekeeper/path-rule.mts';
import { workspacePath } from './workspace-path.js';

describe('a path in a workspace', () => {
  it.each([
    'a',
    'src/main.ts',
    '.hidden/..file/...',
    'with space/ü/日本語/😀',
    '-rf',
    '$(id)/`id`;rm',
    'back\\slash',
    '%2e%2e%2fetc',
    `${'x'.repeat(255)}/y`,
    '"quoted"',
    '__proto__/constructor',
  ])('%j is taken as it is', (path) => {
    expect(workspacePath(path)).toBe(path);
  });

  it.each([
    ['..', 'E004'],
    ['../../etc/passwd', 'E004'],
    ['a/../../b', 'E004'],
    ['a/..', 'E004'],
    ['/etc/passwd', 'E004'],
    ['//host/share', 'E004'],
    ['..\\..\\windows', 'E004'],
    ['a\\..\\b', 'E004'],
    ['\\\\host\\share', 'E004'],
    ['C:\\x', 'E004'],
    ['c:/x', 'E004'],
    ['', 'E003'],
    ['.', 'E003'],
    ['./a', 'E003'],
    ['a//b', 'E003'],
    ['a/', 'E003'],
    ['a/./b', 'E003'],
    ['a\0.png', 'E003'],
    ['a\nb', 'E003'],
    ['a\u007fb', 'E003'],
    ['a\u0085b', 'E003'],
    ['gpj.\u202etxt', 'E003'],
    ['a\u2066b', 'E003'],
    ['a\ud800b', 'E003'],
    ['\udfff', 'E003'],
    ['x'.repeat(256), 'E003'],
    ['ü'.repeat(128), 'E003'],
    ['x/'.repeat(2500) + 'x', 'E003'],
  ])('%j is refused with %s', (path, code) => {
    expect(workspacePathProblem(path)).toMatchObject({ code });
    expect(() => workspacePath(path, 'context.files[0]')).toThrow(ClaudeCodeError);
    try {
      workspacePath(path, 'context.files[0]');
    } catch (error) {
      expect(error).toMatchObject({ code, details: [{ field: 'context.files[0]' }] });
    }
  });

  it('is judged in linear time', () => {
    const begun = performance.now();
    workspacePathProblem('a'.repeat(1_000_000) + '!');
    workspacePathProblem('../'.repeat(300_000));
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});
