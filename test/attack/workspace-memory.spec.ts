/** What an agent leaves in its workspace to harm whoever remembers it, or brings it back: it harms nobody. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshot, Workspace } from '../../src/workspaces/workspace.js';
import { asRoot } from '../support/sandbox-ground.js';
import { workspaceGround, type WorkspaceGround } from '../support/workspace-ground.js';

describe('the memory of a hostile workspace', () => {
  let ground: WorkspaceGround;
  let user = 0;
  beforeAll(async () => {
    ground = await workspaceGround({ SANDBOX_FILE_BYTES: String(2 ** 40) });
  });
  afterAll(() => ground.clear());

  const fresh = () => ground.workspaces.open(`user-${(user += 1)}`, 'project');
  const state = async (workspace: Workspace, line: string) => {
    await ground.agent(workspace, line);
    return ground.workspaces.snapshot(workspace);
  };
  const go = (workspace: Workspace, from: Snapshot, to: Snapshot) =>
    ground.workspaces.transit(workspace, { from: from.tree, to: to.tree });

  it('[H01] runs and obeys nothing of git that lies there: filters, hooks, attributes, a monitor, another index', async () => {
    const workspace = await fresh();
    const run = 'touch /workspace/planted';
    const before = await state(
      workspace,
      `mkdir -p .git/hooks .git/info sub/.git; for h in post-checkout pre-commit post-index-change; do printf '#!/bin/sh\\n${run}\\n' >.git/hooks/$h; chmod +x .git/hooks/$h; done
       printf '[core]\\n fsmonitor = ${run}\\n worktree = /tmp\\n autocrlf = true\\n[filter "x"]\\n clean = ${run}\\n smudge = ${run}\\n required = true\\n[diff "x"]\\n textconv = ${run}\\n command = ${run}\\n' | tee .git/config sub/.git/config >.gitconfig
       printf '* filter=x diff=x ident text eol=crlf\\n' | tee .gitattributes >.git/info/attributes; echo '*' >.gitignore; printf 'gitdir: /tmp\\n' >sub/g; printf 'a $Id$\\n' >sub/text`,
    );
    const after = await state(workspace, "printf 'b\\r\\n' >sub/text; echo new >new; rm .gitignore");
    const { files } = await ground.workspaces.changes(workspace, before, after);
    expect(files.map(({ path, action }) => [path, action])).toEqual([
      ['.gitignore', 'deleted'],
      ['new', 'created'],
      ['sub/text', 'modified'],
    ]);
    await go(workspace, after, before);
    expect(String(await ground.get(workspace, 'sub/text'))).toBe('a $Id$\n');
    await go(workspace, before, after);
    expect(String(await ground.get(workspace, 'sub/text'))).toBe('b\r\n');
    expect(await ground.agent(workspace, 'find . -name planted')).toBe('');
  });

  it.each([
    ['a link to another directory', 'mv d was; ln -s other d'],
    ['a link that leads out', 'rm -r d; ln -s /tmp d'],
    ['a link to itself', 'rm -r d; ln -s d d'],
    ['a file', 'rm -r d; echo >d'],
    ['a link further up', 'mkdir up; mv d up/d; ln -s up/d d'],
    ['a FIFO in the place of the file', 'rm d/f; mkfifo d/f'],
    ['a link in the place of the file', 'rm d/f; ln -s ../other/f d/f'],
  ])(
    '[H02] changes are not put in place through what was swapped since the snapshot: %s',
    async (_, swap) => {
      const workspace = await fresh();
      const before = await state(workspace, 'mkdir d other; echo 1 >d/f; echo untouched >other/f');
      const after = await state(workspace, 'echo 2 >d/f; echo 2 >d/new');
      await ground.agent(workspace, swap);
      const seen = await ground.agent(workspace, 'find . -printf "%p %y %l %T@\\n" | sort');
      await expect(go(workspace, after, before)).rejects.toMatchObject({ code: 'E010' });
      await expect(go(workspace, before, after)).rejects.toMatchObject({ code: 'E010' });
      expect(await ground.agent(workspace, 'find . -printf "%p %y %l %T@\\n" | sort; cat other/f')).toBe(
        `${seen}untouched\n`,
      );
    },
  );

  it('[H03] set-user-id and sticky bits come back as they were, and belong to nobody else', async () => {
    const workspace = await fresh();
    const before = await state(
      workspace,
      'cp /bin/true suid; chmod 6755 suid; mkdir sticky; chmod 3777 sticky',
    );
    const after = await state(workspace, 'rm -r suid sticky');
    await go(workspace, after, before);
    const { mode, uid } = await stat(join(workspace.path, 'suid'));
    expect(mode & 0o7777).toBe(0o6755);
    expect(uid).toBe(workspace.uid ?? process.getuid?.());
    if (asRoot) expect(uid).not.toBe(0);
    expect((await stat(join(workspace.path, 'sticky'))).mode & 0o7777).toBe(0o3777);
  });

  it.each([
    ['a sparse file of a terabyte', 'truncate -s 1T x'],
    ['a FIFO', 'mkfifo x'],
    ['a file that cannot be read', 'echo >x; truncate -s 100M x; chmod 000 x'],
  ])('[H04] what is not kept is told, is not made again, and is not waited for: %s', async (_, make) => {
    const workspace = await fresh();
    const before = await state(workspace, 'echo 1 >f');
    const after = await state(workspace, `echo 2 >f; ${make}`);
    const { files } = await ground.workspaces.changes(workspace, before, after);
    expect(files.map(({ path }) => path)).toEqual(['f', 'x']);
    await go(workspace, after, before);
    await expect(go(workspace, before, after)).rejects.toMatchObject({
      code: 'E010',
      details: { conflicts: [{ path: 'x', reason: 'not-kept' }] },
    });
    expect(String(await ground.get(workspace, 'f'))).toBe('1\n');
  });

  it('[H05] names that mean something to a shell, to git or to the server are names', async () => {
    const workspace = await fresh();
    const names = `'--help' '-rf' '$(touch planted)' '\`touch planted\`' ';touch planted' '*' ' ' 'a
b' '.caisson-00000000000000000000000000000000' 'journal' 'trees' 'objects' 'C:\\x' '.git ' 'file 644 3'`;
    const before = await state(workspace, 'echo kept >kept');
    const after = await state(workspace, `for n in ${names}; do mkdir -- "$n"; echo x >"./$n/f"; done`);
    for (let time = 0; time < 2; time += 1) {
      await go(workspace, after, before);
      expect(await ground.agent(workspace, 'ls -A')).toBe('kept\n');
      await go(workspace, before, after);
      expect((await ground.workspaces.snapshot(workspace)).tree).toBe(after.tree);
    }
    expect(await ground.agent(workspace, 'find . -name planted')).toBe('');
  });
});
