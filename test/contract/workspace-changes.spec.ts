/** What the workspaces port promises about changes: everything that happened to files, and nothing else. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';
import type { ChangeSet, Workspace } from '../../src/workspaces/workspace.js';
import { until } from '../support/processes.js';
import { workspaceGround, type WorkspaceGround } from '../support/workspace-ground.js';

describe('the changes of a workspace', () => {
  let ground: WorkspaceGround;
  let user = 0;
  beforeAll(async () => (ground = await workspaceGround({ CHANGE_CONTENT_MAX_BYTES: '10000' })));
  afterAll(() => ground.clear());
  const fresh = () => ground.workspaces.open(`user-${(user += 1)}`, 'project');

  /** What a line of shell changes in a workspace that another line has prepared. */
  async function changes(prepare: string, work: string, workspace?: Workspace): Promise<ChangeSet> {
    const place = workspace ?? (await fresh());
    await ground.agent(place, prepare);
    const before = await ground.workspaces.snapshot(place);
    await ground.agent(place, work);
    return ground.changesSince(place, before);
  }

  it('are none when nothing happened', async () => {
    expect(await changes('echo x >file; mkdir d; ln -s file link', 'cat file')).toEqual({
      files: [],
      diff: '',
      skipped: [],
    });
  });

  it('are created, modified and deleted files, with content and a diff', async () => {
    const found = await changes(
      'printf "one\\ntwo\\nthree\\n" >edited; echo gone >deleted; echo same >same',
      'printf "one\\n2\\nthree\\n" >edited; rm deleted; mkdir -p new/dir; printf "no newline" >new/dir/file; touch same',
    );
    expect(found.files).toEqual([
      { path: 'deleted', action: 'deleted', size: 0, content: '' },
      { path: 'edited', action: 'modified', size: 12, content: 'one\n2\nthree\n' },
      { path: 'new/dir/file', action: 'created', size: 10, content: 'no newline' },
    ]);
    expect(found.diff).toBe(`diff --git a/deleted b/deleted
deleted file mode 100644
--- a/deleted
+++ /dev/null
@@ -1 +0,0 @@
-gone
diff --git a/edited b/edited
--- a/edited
+++ b/edited
@@ -1,3 +1,3 @@
 one
-two
+2
 three
diff --git a/new/dir/file b/new/dir/file
new file mode 100644
--- /dev/null
+++ b/new/dir/file
@@ -0,0 +1 @@
+no newline
\\ No newline at end of file
`);
  });

  it('tell a renamed file as one deleted and one created', async () => {
    const { files } = await changes('echo content >old', 'mv old new');
    expect(files.map(({ path, action, content }) => [path, action, content])).toEqual([
      ['new', 'created', 'content\n'],
      ['old', 'deleted', ''],
    ]);
  });

  it('tell a changed mode, link and type', async () => {
    const { files, diff } = await changes(
      'echo run >run; ln -s a link; echo x >file; mkdir dir; echo y >dir/y',
      'chmod 755 run; ln -sfn b link; rm file; ln -s run file; rm -r dir; echo z >dir',
    );
    expect(files.map(({ path, action, content }) => [path, action, content])).toEqual([
      ['dir', 'created', 'z\n'],
      ['dir/y', 'deleted', ''],
      ['file', 'modified', 'run'],
      ['link', 'modified', 'b'],
      ['run', 'modified', 'run\n'],
    ]);
    expect(diff).toContain('diff --git a/run b/run\nold mode 100644\nnew mode 100755\n');
    expect(diff).toContain('deleted file mode 100644\n--- a/file\n+++ /dev/null\n');
    expect(diff).toContain('new file mode 120000\n--- /dev/null\n+++ b/file\n');
  });

  it('tell binary files and files that are too large, without their content', async () => {
    const { files, diff } = await changes(
      'printf "a\\0b" >binary; head -c 10001 /dev/zero | tr "\\0" x >large',
      'printf "a\\0c" >binary; printf "\\377\\376" >latin; echo >>large; mkfifo pipe',
    );
    expect(files).toEqual([
      { path: 'binary', action: 'modified', size: 3, binary: true },
      { path: 'large', action: 'modified', size: 10_002, truncated: true },
      { path: 'latin', action: 'created', size: 2, binary: true },
      { path: 'pipe', action: 'created', size: 0 },
    ]);
    expect(diff).toContain('Binary files a/binary and b/binary differ\n');
    expect(diff).not.toContain('xxxx');
  });

  it('carry names with newlines, quotes, other alphabets and bytes of no alphabet', async () => {
    const { files, diff } = await changes(
      'true',
      `echo 1 >'new
line'; echo 2 >'"quoted"'; echo 3 >'日本'; echo 4 >"$(printf 'caf\\351')"; echo 5 >__proto__; echo 6 >'a\\b'`,
    );
    expect(files.map(({ path }) => path)).toEqual([
      '"\\"quoted\\""',
      '__proto__',
      'a\\b',
      '"caf\\351"',
      'new\nline',
      '日本',
    ]);
    expect(diff).toContain('diff --git "a/new\\nline" "b/new\\nline"\n');
  });

  it('leave out node_modules and .git, and say so; ignored files and nested repositories are told', async () => {
    const { files, skipped } = await changes(
      'mkdir -p node_modules/a; echo >node_modules/a/x; echo ignored >.gitignore',
      'echo >node_modules/a/y; mkdir -p sub/.git sub/node_modules; echo >sub/.git/config; echo >sub/code; echo >ignored',
    );
    expect(files.map(({ path }) => path)).toEqual(['ignored', 'sub/code']);
    expect(skipped.sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: 'node_modules', entries: 3 },
      { path: 'sub/.git', entries: 1 },
      { path: 'sub/node_modules', entries: 0 },
    ]);
  });

  it('are found although size and times were put back', async () => {
    const { files } = await changes(
      'echo aaa >file; touch -d 2001-01-01 file',
      'echo bbb >file; touch -d 2001-01-01 file',
    );
    expect(files).toEqual([{ path: 'file', action: 'modified', size: 4, content: 'bbb\n' }]);
  });

  it('are found although the file is as large and the clock has not moved on', async () => {
    const workspace = await fresh();
    for (let round = 0; round < 5; round += 1) {
      const { files } = await changes(`printf a${round} >file`, `printf b${round} >file`, workspace);
      expect(files).toEqual([{ path: 'file', action: 'modified', size: 2, content: `b${round}` }]);
    }
  });

  it('that were found make a patch which git applies', async () => {
    const { diff } = await changes(
      'seq 1 200 >numbers; echo x >gone; printf "no end" >end',
      'sed -i "s/^1\\(..\\)$/x\\1/;5d;\\$a more" numbers; rm gone; printf "no end at all" >end; ln -s numbers link; printf "#!\\n" >run; chmod 755 run',
    );
    const directory = mkdtempSync(join(tmpdir(), 'caisson-patch-'));
    try {
      const git = (...args: string[]) =>
        execFileSync('git', args, { cwd: directory, input: diff, encoding: 'utf8' });
      execFileSync('sh', ['-c', 'seq 1 200 >numbers; echo x >gone; printf "no end" >end'], {
        cwd: directory,
      });
      git('apply', '-');
      expect(
        execFileSync('sh', ['-c', 'ls; cat end; readlink link; sed -n "4,5p;\\$p" numbers; stat -c %a run'], {
          cwd: directory,
          encoding: 'utf8',
        }),
      ).toBe('end\nlink\nnumbers\nrun\nno end at allnumbers\n4\n6\nmore\n755\n');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('do not read again what is surely the same', async () => {
    const workspace = await fresh();
    await ground.agent(
      workspace,
      'mkdir d; cd d; i=0; while [ $i -lt 500 ]; do echo $i >f$i; i=$((i+1)); done',
    );
    const begun = Date.now();
    await ground.workspaces.snapshot(workspace);
    await until(() => Date.now() > begun + 250);
    await ground.workspaces.snapshot(workspace);
    await ground.agent(workspace, 'echo more >>d/f7');
    const { head } = await ground.housekeeping.ask(
      workspace,
      { op: 'snapshot', maxEntries: 1000, fileMaxBytes: 1000, storeMaxBytes: 1000 },
      z.object({ read: z.number() }),
    );
    expect(head.read).toBe(1);
  });

  it('can be asked for again, and what nobody names is collected after a day', async () => {
    const workspace = await fresh();
    const contents = async () => (await ground.kept(workspace, 'find objects -type f | wc -l')).trim();
    await ground.agent(workspace, 'echo first >file');
    const before = await ground.workspaces.snapshot(workspace);
    await ground.agent(workspace, 'echo second >file');
    const first = await ground.changesSince(workspace, before);
    expect(await ground.changesSince(workspace, before)).toEqual(first);
    await ground.workspaces.collect(workspace.id, () => Promise.resolve([]));
    expect(await contents()).toBe('2');
    await ground.kept(workspace, 'touch -d "2 days ago" trees/*');
    await ground.workspaces.collect(workspace.id, () => Promise.resolve([before.tree]));
    expect(await contents()).toBe('2');
    await ground.workspaces.collect(workspace.id, () => Promise.resolve([]));
    expect(await contents()).toBe('1');
    await expect(ground.changesSince(workspace, before)).rejects.toMatchObject({ code: 'E009' });
  });

  it('may be asked for by several at once', async () => {
    const workspace = await fresh();
    await ground.agent(workspace, 'echo before >file');
    const snapshots = await Promise.all([1, 2, 3].map(() => ground.workspaces.snapshot(workspace)));
    await ground.agent(workspace, 'echo after >file');
    const found = await Promise.all(snapshots.map((before) => ground.changesSince(workspace, before)));
    for (const { files, diff } of found) {
      expect(files).toEqual([{ path: 'file', action: 'modified', size: 6, content: 'after\n' }]);
      expect(diff).toContain('-before\n+after\n');
    }
  });

  it('of files that a hostile pair of texts makes hard to compare are told in time', async () => {
    const { diff } = await changes(
      'i=0; while [ $i -lt 4000 ]; do echo $i; i=$((i+1)); done | tr 0-4 abcde | cut -c1 >file; head -c 9000 file >f; mv f file',
      'tac file >f; mv f file',
    );
    expect(diff).toMatch(/^@@ /m);
  });

  it('are exactly those that any sequence of operations makes', async () => {
    const name = fc.constantFrom('a', 'b', 'd/c', 'd/e/f', 'ü');
    const operation = fc.oneof(
      fc.record({
        op: fc.constant('write' as const),
        name,
        text: fc.string({ maxLength: 20, unit: 'grapheme' }).filter((text) => !text.includes('\0')),
      }),
      fc.record({ op: fc.constant('remove' as const), name }),
    );
    const workspace = await fresh();
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { maxLength: 8 }),
        fc.array(operation, { maxLength: 8 }),
        async (first, second) => {
          await ground.agent(workspace, 'rm -rf a b d ü');
          const state = new Map<string, string>();
          const script = (operations: typeof first) =>
            operations
              .map((operation) => {
                if (operation.op === 'write') state.set(operation.name, operation.text);
                else state.delete(operation.name);
                const path = `'${operation.name}'`;
                return operation.op === 'write'
                  ? `mkdir -p "$(dirname ${path})"; echo ${Buffer.from(operation.text).toString('base64')} | base64 -d >${path}`
                  : `rm -f ${path}`;
              })
              .join('\n');
          await ground.agent(workspace, `${script(first)}\ntrue`);
          const stateBefore = new Map(state);
          const before = await ground.workspaces.snapshot(workspace);
          await ground.agent(workspace, `${script(second)}\ntrue`);
          const { files } = await ground.changesSince(workspace, before);
          const expected = [...new Set([...stateBefore.keys(), ...state.keys()])]
            .filter((path) => stateBefore.get(path) !== state.get(path))
            .map((path) => [
              path,
              !stateBefore.has(path) ? 'created' : state.has(path) ? 'modified' : 'deleted',
              state.get(path) ?? '',
            ]);
          expect(files.map(({ path, action, content }) => [path, action, content]).sort()).toEqual(
            expected.sort(),
          );
        },
      ),
      { numRuns: 12 },
    );
  });
});
