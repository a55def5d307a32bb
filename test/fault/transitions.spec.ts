/** `kill -9` of the real server between the turns of a conversation, and in the middle of an apply or a revert. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FileList } from '../../src/workspaces/files.dto.js';
import type { Client } from '../support/client.js';
import { kill, serverGround } from '../support/server-ground.js';
import { startServer } from '../support/server-process.js';

const FILES = 3000;
const bash = (command: string) => `@tool Bash ${JSON.stringify({ command })}\n@text Done.`;
/** Each file changed; some go, some come; a file becomes a directory and the other way round. */
const OLD = `for i in $(seq -w ${FILES}); do echo old >f$i; done; mkdir gone z; echo old >gone/a; echo old >z/a; echo old >y`;
const NEW = `for i in $(seq -w ${FILES}); do echo new >f$i; done; rm -r gone z y; echo new >z; mkdir y come; echo new >y/a; echo new >come/a`;

describe('a server that is killed while', () => {
  const ground = serverGround();

  const run = async (admin: Client, prompt: string, options = {}) => {
    const { body } = await admin.run({ action: 'generate', prompt, options });
    expect(body.error).toBeUndefined();
    return body.metadata.executionId;
  };

  it('[K22] a conversation waits for its next turn goes on in it', async () => {
    const server = await startServer(ground.directory);
    const first = await run(server.admin, '@text one');
    await kill(server);
    const { admin } = await startServer(ground.directory);
    const second = await run(admin, '@echo-request', { continue: first });
    const { response } = await admin.execution(second);
    expect(JSON.parse(response?.result?.text ?? '')).toMatchObject({ user: '@echo-request', messages: 3 });
  });

  it('[K23] an apply or a revert is under way leaves the old files or the new ones, and is stuck with neither', async () => {
    let server = await startServer(ground.directory);
    await run(server.admin, bash(OLD));
    const dry = await run(server.admin, bash(NEW), { dryRun: true });
    const [id = ''] = await readdir(join(ground.directory, 'data/snapshots'));
    const workspace = join(ground.directory, 'data/workspaces', id);
    const journal = join(ground.directory, 'data/snapshots', id, 'journal');
    const line = (name: string) => readFile(join(workspace, name), 'utf8').catch(() => undefined);

    const old = await portrait(workspace);
    let here: 'old' | 'new' = 'old';
    const other = () => (here === 'old' ? 'new' : 'old');
    const way = () => (here === 'old' ? 'apply' : 'revert');
    /** When it is killed: while new files are laid ready, after the first step of the way, far on it, at its end. */
    const moments: ((before: string | undefined) => Promise<boolean>)[] = [
      async () => existsSync(journal),
      async () => (await readdir(workspace)).some((name) => name.startsWith('.caisson-')),
      async (before) => (await line('f0001')) !== before,
      async (before) => (await line(`f${FILES / 2}`)) !== before,
      async (before) => (await line('f0001')) !== before && !existsSync(journal),
    ];
    let unfinished = 0;
    let changed: string | undefined;
    for (const isThere of moments) {
      const before = await line('f0001');
      const over = new AbortController();
      const going = server.admin
        .call('POST', `/api/executions/${dry}/${way()}`)
        .catch(() => undefined)
        .finally(() => over.abort());
      // On a busy machine a moment may be missed: then it is killed after the end, which harms nothing either.
      while (!over.signal.aborted && !(await isThere(before))) await delay(1);
      server.signal('SIGKILL');
      await Promise.all([server.exited, going]);
      if (existsSync(journal)) unfinished += 1;
      server = await startServer(ground.directory);
      const { items } = (await server.admin.get<FileList>('/api/projects/default/files')).body;
      expect(items.filter(({ path }) => path.startsWith('.caisson'))).toEqual([]);
      expect(existsSync(journal)).toBe(false);
      const now = await portrait(workspace);
      if (now !== old) expect(now).toBe((changed ??= now));
      here = now === old ? 'old' : 'new';
    }
    expect(changed?.includes('old')).toBe(false);
    expect(unfinished).toBeGreaterThan(0);
    // Nothing is held, and both ways can be gone.
    for (let time = 0; time < 2; time += 1) {
      const expected = other();
      expect((await server.admin.call('POST', `/api/executions/${dry}/${way()}`)).status).toBe(200);
      expect(await portrait(workspace)).toBe(expected === 'old' ? old : changed);
      here = expected;
    }
    await run(server.admin, bash('echo more >more'));
  });
});

/** Every name and content. */
async function portrait(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const lines = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path} ${entry.isFile() ? await readFile(path, 'utf8') : 'directory\n'}`;
    }),
  );
  return lines.toSorted().join('');
}
