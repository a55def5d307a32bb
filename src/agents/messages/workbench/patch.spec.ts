import { applyHunks, parsePatch } from './patch.mts';

const TEXT = ['one', 'two', 'three', 'two', 'five', ''].join('\n');
const apply = (patch: string, text = TEXT) => applyHunks(text, parsePatch(patch)[0]!.hunks, 'f');
const diff = (...hunk: string[]) => ['--- a/f', '+++ b/f', ...hunk].join('\n');

describe('a patch', () => {
  it('names files, new ones and deleted ones', () => {
    const text =
      'diff --git a/x b/x\nindex 1..2\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n--- old\t2026\n+++ /dev/null\n@@ -1 +0,0 @@\n-o\n';
    expect(parsePatch(text).map(({ from, to }) => [from, to])).toEqual([
      ['x', 'y'],
      [undefined, 'new'],
      ['old', undefined],
    ]);
  });

  it('is applied where its lines are, whatever its numbers say', () => {
    expect(apply(diff('@@ -40,2 +40,2 @@', ' three', '-two', '+TWO'))).toBe('one\ntwo\nthree\nTWO\nfive\n');
    expect(apply(diff('@@', '-one', '+ONE'))).toBe('ONE\ntwo\nthree\ntwo\nfive\n');
  });

  it('takes the place that is nearest to its number where there are several', () => {
    expect(apply(diff('@@ -2 +2 @@', '-two', '+2'))).toBe('one\n2\nthree\ntwo\nfive\n');
    expect(apply(diff('@@ -4 +4 @@', '-two', '+2'))).toBe('one\ntwo\nthree\n2\nfive\n');
  });

  it('counts the lines that earlier hunks have moved', () => {
    const patch = diff('@@ -1 +1,3 @@', '-one', '+a', '+b', '+c', '@@ -4 +6 @@', '-two', '+2');
    expect(apply(patch)).toBe('a\nb\nc\ntwo\nthree\n2\nfive\n');
  });

  it.each([
    ['its lines are not there', diff('@@', '-nothing', '+x')],
    ['they are in several places and it does not say which', diff('@@', '-two', '+2')],
  ])('is refused when %s', (_, patch) => {
    expect(() => apply(patch)).toThrow('does not fit');
  });

  it('forgives spaces at the ends of lines, lost spaces of empty lines, and keeps CRLF', () => {
    expect(apply(diff('@@', '-b', '+B'), 'a\nb  \n')).toBe('a\nB\n');
    expect(apply(diff('@@', ' a', '', '-b', '+B'), 'a\n\nb\n')).toBe('a\n\nB\n');
    expect(apply(diff('@@', '-b', '+B'), 'a\r\nb\r\n')).toBe('a\r\nB\r\n');
  });

  it('leaves a file without a final newline as it is', () => {
    expect(apply(diff('@@', '-b', '+B', '\\ No newline at end of file'), 'a\nb')).toBe('a\nB');
  });

  it('makes a new file, and keeps lines that look like headers', () => {
    expect(apply(diff('@@ -0,0 +1,2 @@', '+first', '+second'), '')).toBe('first\nsecond\n');
    expect(apply(diff('@@', '--- x', '+- y'), '-- x\n')).toBe('- y\n');
  });

  it('is no text of another kind', () => {
    expect(() => parsePatch('*** Begin Patch\n')).toThrow('no unified diff');
    expect(() => parsePatch(diff('@@', '*rubbish'))).toThrow('begins with neither');
  });
});
