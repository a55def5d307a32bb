/** A server that is killed while it puts an upload in place: the next one takes back what was begun. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
