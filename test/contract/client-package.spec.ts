/** The typed client as others get it: from the tarball, compiled by them, against a server. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionEvent as ClientEvent } from '../../src/client/client.js';
import type { ExecutionEvent } from '../../src/execution/execution-event.js';
import { VERSION } from '../../src/version.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { buildServer } from '../support/server-process.js';

const run = promisify(execFile);

/** Compiles only while the client's events are the server's. The response in the last one has its types from openapi.json. */
export const asTheClientHasIt = (
  event: Exclude<ExecutionEvent, { type: 'execution.finished' }>,
): ClientEvent => event;

describe('the client in the package', () => {
  let directory: string;
  let caisson: Caisson;
  const installed = (...path: string[]) => join(directory, 'node_modules', 'caisson', ...path);

  beforeAll(async () => {
    buildServer();
    directory = await mkdtemp(join(tmpdir(), 'caisson-package-'));
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', directory], {
      env: { ...process.env, npm_config_loglevel: 'silent' },
    });
    const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[\n')));
    await mkdir(installed(), { recursive: true });
    await run('tar', ['xzf', join(directory, filename), '--strip-components=1', '-C', installed()]);
    // What npm would install for it; offline, it is what is installed here.
    await symlink(resolve('node_modules'), installed('node_modules'));
    await mkdir(join(directory, 'node_modules', '@types'));
    await symlink(resolve('node_modules/@types/node'), join(directory, 'node_modules/@types/node'));
    caisson = await startCaisson();
  });
  afterAll(async () => {
    await caisson.clear();
    await rm(directory, { recursive: true, force: true });
  });

  it('lets the program of the README compile, with every check there is, and run', async () => {
    const readme = await readFile('README.md', 'utf8');
    const program = /```ts\n(import \{ CaissonClient \} from 'caisson\/client';\n[\s\S]*?)```/.exec(
      readme,
    )?.[1];
    await writeFile(join(directory, 'sample.mts'), program ?? '');
    const tsc = resolve('node_modules/typescript/bin/tsc');
    const checks = [
      '--strict',
      '--noUncheckedIndexedAccess',
      '--exactOptionalPropertyTypes',
      '--skipLibCheck',
      'false',
    ];
    const target = ['--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
    const compiled = await run(process.execPath, [tsc, ...checks, ...target, 'sample.mts'], {
      cwd: directory,
    }).catch((error: unknown) => error);
    expect(compiled).toMatchObject({ stdout: '' });
    const { secret } = await caisson.clientOf('ann');
    const { stdout } = await run(process.execPath, ['sample.mjs'], {
      cwd: directory,
      env: { CAISSON_URL: caisson.url, CAISSON_API_KEY: secret },
    });
    expect(stdout).toMatch(/hello\.ts[\s\S]*succeeded[\s\S]*'created'[\s\S]*rehearsal/);
  });

  it('refuses at compile time what the API would refuse', async () => {
    const wrong = `import { CaissonClient } from 'caisson/client';
      const client = new CaissonClient({ url: '', key: '' });
      await client.submit({ action: 'generat', prompt: '' });
      await client.submit({ action: 'generate', prompt: '', options: { maxToken: 1 } });
      for await (const event of client.events('')) if (event.type === 'agent.text') event.data.output;
      await client.api.GET('/api/execution');`;
    await writeFile(join(directory, 'wrong.mts'), wrong);
    const tsc = resolve('node_modules/typescript/bin/tsc');
    const args = [
      tsc,
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--types',
      'node',
      '--noEmit',
      'wrong.mts',
    ];
    const failed = await run(process.execPath, args, { cwd: directory }).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(failed.stdout.match(/wrong\.mts\(\d+/g)).toEqual([3, 4, 5, 6].map((line) => `wrong.mts(${line}`));
  });

  it('brings both commands', async () => {
    const { stdout } = await run(process.execPath, [installed('bin/claude-code.mjs'), '--version']);
    expect(stdout).toBe(`${VERSION}\n`);
    const { bin } = JSON.parse(await readFile(installed('package.json'), 'utf8'));
    expect(Object.keys(bin)).toEqual(['claude-code', 'caisson']);
    const settings = await run(process.execPath, [installed(bin.caisson), 'serve', '--settings']);
    expect(settings.stdout).toContain('ANTHROPIC_API_KEY');
  });
});
