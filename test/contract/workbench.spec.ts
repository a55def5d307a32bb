/** Real: the sandbox, its mounts, and the program in it. What a model asks for is given to it directly. */
import { mkdir, readdir, readFile, symlink, writeFile, chown } from 'node:fs/promises';
import { join } from 'node:path';
import { Workbench } from '../../src/agents/messages/workbench.js';
import { workbenchProgram } from '../../src/agents/messages/workbench-program.js';
import type { SandboxWorkspace, WorkspaceAccess } from '../../src/sandbox/sandbox.js';
import { asRoot, FIRST_UID, type SandboxGround, sandboxGround } from '../support/sandbox-ground.js';

describe('the workbench', () => {
  let ground: SandboxGround;
  let workspace: SandboxWorkspace;
  const open: Workbench[] = [];

  beforeAll(async () => {
    ground = await sandboxGround();
    await ground.sandboxes.probe();
    workspace = await ground.workspace();
    await mkdir(join(workspace.path, 'src'));
    await writeFile(join(workspace.path, 'src', 'a.ts'), 'export const a = 1;\n');
    await writeFile(join(ground.directory, 'outside.txt'), 'a secret of the host');
    await symlink(join(ground.directory, 'outside.txt'), join(workspace.path, 'link.txt'));
    await symlink('src/a.ts', join(workspace.path, 'inner.ts'));
    if (asRoot)
      for (const path of ['src', join('src', 'a.ts')])
        await chown(join(workspace.path, path), FIRST_UID, FIRST_UID);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((workbench) => workbench.end()));
  });
  afterAll(() => ground.clear());

  async function benchFor(access: WorkspaceAccess): Promise<Workbench> {
    const program = await workbenchProgram(ground.config.dataDirectory, workspace.uid);
    const workbench = new Workbench(() => ground.sandboxes.start({ workspace, access, ...program }), 10_000);
    open.push(workbench);
    return workbench;
  }
  const call = (workbench: Workbench, tool: 'Read' | 'Write' | 'ApplyPatch' | 'List', input: object) =>
    workbench.call({ tool, input, directory: '.', outputChars: 10_000 });

  it('cannot write where the kernel keeps the workspace read-only, whatever it is asked', async () => {
    const workbench = await benchFor('read-only');
    const write = { file_path: 'src/a.ts', content: 'changed' };
    expect(await call(workbench, 'Write', write)).toEqual({
      output: 'Error: Read-only file system',
      isError: true,
    });
    const patch = '--- a/src/a.ts\n+++ b/src/a.ts\n@@\n-export const a = 1;\n+export const a = 2;\n';
    expect(await call(workbench, 'ApplyPatch', { patch })).toMatchObject({ isError: true });
    expect(await readFile(join(workspace.path, 'src', 'a.ts'), 'utf8')).toBe('export const a = 1;\n');
    expect((await call(workbench, 'Read', { file_path: 'src/a.ts' })).output).toBe('1\texport const a = 1;');
  });

  it('follows links within the workspace and none that leave it', async () => {
    const workbench = await benchFor('read-write');
    expect((await call(workbench, 'Read', { file_path: 'inner.ts' })).output).toContain('export const a');
    const led = await call(workbench, 'Read', { file_path: 'link.txt' });
    expect(led).toEqual({ output: 'Error: the path leads out of the workspace', isError: true });
    const written = await call(workbench, 'Write', { file_path: 'link.txt', content: 'x' });
    expect(written.isError).toBe(true);
    expect(await readFile(join(ground.directory, 'outside.txt'), 'utf8')).toBe('a secret of the host');
  });

  it('writes whole files and leaves nothing beside them', async () => {
    const workbench = await benchFor('read-write');
    const made = await call(workbench, 'Write', { file_path: 'deep/er/b.ts', content: 'b' });
    expect(made).toEqual({ output: 'Created deep/er/b.ts.', isError: false });
    expect(await readdir(join(workspace.path, 'deep', 'er'))).toEqual(['b.ts']);
    expect((await call(workbench, 'Write', { file_path: 'deep', content: 'b' })).isError).toBe(true);
  });

  it('looks the workspace over within its budget', async () => {
    const workbench = await benchFor('read-only');
    const survey = await workbench.survey({
      directory: '.',
      files: ['src/a.ts', 'none.ts'],
      mapChars: 25,
      filesChars: 1000,
    });
    expect(survey.whole).toBe(true);
    expect(survey.map.length).toBeLessThan(60);
    expect(survey.files).toEqual([
      { path: 'src/a.ts', content: 'export const a = 1;\n' },
      { path: 'none.ts', problem: 'no such file' },
    ]);
  });

  it('says E099 when it stops, and starts anew', async () => {
    const workbench = await benchFor('read-only');
    await expect(
      workbench.call({ tool: 'Read', input: {}, directory: 7 as never, outputChars: 1 }),
    ).resolves.toMatchObject({ isError: true });
    await expect(
      workbench.survey({ directory: 7 as never, files: [], mapChars: 1, filesChars: 1 }),
    ).rejects.toMatchObject({
      code: 'E099',
    });
    expect((await call(workbench, 'List', { path: 'src' })).output).toBe('src/a.ts');
  });
});
