/** A server that is killed while it puts an upload in place: the next one takes back what was begun. */
import { readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tarGz } from '../support/hostile-archives.js';
import { kill, serverGround } from '../support/server-ground.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { workspaceGround, type WorkspaceGround } from '../support/workspace-ground.js';

describe('an upload whose server was killed', () => {
  let ground: WorkspaceGround;
  beforeAll(async () => {
    ground = await workspaceGround();
  });
  afterAll(() => ground.clear());

  const STAGING = `.caisson-${'a'.repeat(32)}`;

  /** What a killed housekeeper leaves after so many of the three moves. */
  async function killedAfter(moves: number, project: string) {
    const workspace = await ground.workspaces.open('user', project);
    await ground.agent(
      workspace,
      `echo old >over; mkdir gone; echo old >gone/f; mkdir -p ${STAGING}/tree ${STAGING}/old; echo new >${STAGING}/tree/over; echo new >${STAGING}/tree/new`,
    );
    const before = await ground.agent(
      workspace,
      `find . -path ./${STAGING} -prune -o -printf '%p %T@ %m\\n' | grep -v '^\\. ' | sort; cat over gone/f`,
    );
    const plan = [
      { kind: 'over', from: `${STAGING}/tree/over`, to: 'over', kept: `${STAGING}/old/1` },
      { kind: 'new', from: `${STAGING}/tree/new`, to: 'new' },
      { kind: 'away', to: 'gone', kept: `${STAGING}/old/2` },
    ];
    await ground.put(workspace, `${STAGING}/plan`, plan.map((step) => `${JSON.stringify(step)}\n`).join(''));
    const steps = [
      `ln over ${STAGING}/old/1; mv -f ${STAGING}/tree/over over`,
      `mv ${STAGING}/tree/new new`,
      `mv gone ${STAGING}/old/2`,
    ];
    await ground.agent(workspace, [':', ...steps.slice(0, moves)].join('; '));
    const remembered = join(ground.sandboxes.config.dataDirectory, 'stagings', workspace.id);
    await mkdir(remembered, { recursive: true });
    await writeFile(join(remembered, STAGING), '');
    return { workspace, before };
  }

  it.each([0, 1, 2, 3])('[D60] after %d of its moves is as if it had never been', async (moves) => {
    const { before } = await killedAfter(moves, `project-${moves}`);
    const workspace = await ground.restarted().open('user', `project-${moves}`);
    expect(
      await ground.agent(
        workspace,
        `find . -printf '%p %T@ %m\\n' | grep -v '^\\. ' | sort; cat over gone/f`,
      ),
    ).toBe(before);
    expect(await ground.housekeeping.stagings.of(workspace.id)).toEqual([]);
  });

  it('[D61] in the middle of one move is taken back too', async () => {
    const { workspace, before } = await killedAfter(0, 'between');
    await ground.agent(workspace, `ln over ${STAGING}/old/1`);
    await ground.restarted().open('user', 'between');
    expect(
      await ground.agent(
        workspace,
        `find . -printf '%p %T@ %m\\n' | grep -v '^\\. ' | sort; cat over gone/f`,
      ),
    ).toBe(before);
  });
});

describe('a server that is killed while it puts an upload in place', () => {
  const ground = serverGround();
  /** Some hundred milliseconds of moves. */
  const FILES = 5000;

  const upload = (server: ServerProcess, content: string, mode: string) =>
    fetch(`${server.url}/api/projects/shop/upload?mode=${mode}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.admin.secret}`, 'content-type': 'application/gzip' },
      body: new Uint8Array(tarGz(...Array.from({ length: FILES }, (_, n) => ({ name: `f${n}`, content })))),
    });
  const workspaces = () => join(ground.directory, 'data', 'workspaces');
  /** The one workspace, whatever its name. */
  const workspace = async () => {
    const found = await readdir(workspaces(), { recursive: true, withFileTypes: true });
    return found.find(({ name }) => name === 'f0')?.parentPath ?? '';
  };
  /** How many of each content there are. */
  const contents = async (directory: string) => {
    const files = (await readdir(directory)).filter((name) => /^f\d+$/.test(name));
    const all = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')));
    return { old: all.filter((it) => it === 'old').length, new: all.filter((it) => it === 'new').length };
  };
  /** How many files were put aside so far; undefined when nothing is being put in place. */
  const moved = (directory: string): number | undefined => {
    try {
      const staging = readdirSync(directory).find((name) => name.startsWith('.caisson-'));
      return staging === undefined ? undefined : readdirSync(join(directory, staging, 'old')).length;
    } catch {
      return undefined; // not begun, or over
    }
  };

  it.each(['merge', 'replace'])('[D62] leaves the old state and nothing else: %s', async (mode) => {
    let server = await startServer(ground.directory);
    expect((await upload(server, 'old', 'merge')).status).toBe(200);
    const directory = await workspace();
    const uploading = upload(server, 'new', mode).catch(() => undefined);
    // Looked at in every turn: what is waited for lasts a moment.
    while ((moved(directory) ?? 0) === 0) await new Promise((resolve) => setImmediate(resolve));
    await kill(server);
    await uploading;
    // It was in the middle: some had been put in place, or aside, and some not.
    expect(moved(directory)).toBeGreaterThan(0);
    const between = await contents(directory);
    expect(between.old).toBeLessThan(FILES);
    expect(between.new).toBeLessThan(FILES);

    server = await startServer(ground.directory);
    expect((await server.admin.get('/api/projects/shop/files/f0')).body).toBe('old');
    expect(await contents(directory)).toEqual({ old: FILES, new: 0 });
    expect(await readdir(directory)).toHaveLength(FILES);
    const stagings = await readdir(join(ground.directory, 'data', 'stagings'), { recursive: true });
    expect(stagings.filter((name) => name.includes('.caisson-'))).toEqual([]);
    // And the same upload is whole the next time.
    expect((await upload(server, 'new', mode)).status).toBe(200);
    expect(await contents(directory)).toEqual({ old: 0, new: FILES });
  });
});
