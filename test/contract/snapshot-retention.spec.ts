/** Snapshots are forgotten by count and by age; what is kept of an execution can be had back as long as it is known. */
import { SnapshotRetention } from '../../src/execution/snapshot-retention.js';
import { SnapshotLog } from '../../src/workspaces/snapshot-log.js';
import type { Snapshot, Workspace } from '../../src/workspaces/workspace.js';
import { workspaceGround, type WorkspaceGround } from '../support/workspace-ground.js';
import { describeOnEachDatabase } from '../support/databases.js';

const DAY = 86_400_000;

describeOnEachDatabase('snapshots', (engine) => {
  let ground: WorkspaceGround;
  let log: SnapshotLog;
  let retention: SnapshotRetention;
  let user = 0;
  beforeAll(async () => {
    ground = await workspaceGround({ ...(await engine.settings()), SNAPSHOT_KEEP: '3', SNAPSHOT_DAYS: '10' });
    const { database, workspaces, sandboxes } = ground;
    log = new SnapshotLog(database);
    retention = new SnapshotRetention(database, log, workspaces, sandboxes.config);
  });
  afterAll(() => ground.clear());

  const fresh = () => ground.workspaces.open(`user-${(user += 1)}`, 'project');
  const snapshot = async (workspace: Workspace, content: string, executionId?: string) => {
    await ground.put(workspace, 'file', content);
    const taken = await ground.workspaces.snapshot(workspace);
    const id = await log.record(workspace.id, taken, 'after', executionId);
    return { ...taken, id };
  };
  /** Days go by, for all that is kept of the workspace. */
  const age = (workspace: Workspace) =>
    ground.kept(workspace, "find trees objects -type f -exec touch -d '2 days ago' {} +");
  const execution = async (id: string) => {
    await ground.database
      .insertInto('executions')
      .values({
        ...{ id, userId: 'u', projectId: 'p', keyId: 'k', requestId: 'r', action: 'generate' },
        ...{ access: 'read-write', priority: 'interactive', engine: 'e', model: 'm', request: '{}' },
        ...{ requestHash: '', status: 'succeeded', attempt: 1, lastSeq: 1, createdAt: 1 },
      })
      .execute();
    return id;
  };
  const listed = async (workspace: Workspace) =>
    (await log.list(workspace.id, { limit: 100 })).map(({ id }) => id);
  const contentAt = async (workspace: Workspace, { tree }: Snapshot) => {
    const now = await ground.workspaces.snapshot(workspace);
    await ground.workspaces.transit(workspace, { from: now.tree, to: tree });
    return String(await ground.get(workspace, 'file'));
  };

  it('beyond the count go, the oldest first; those of executions stay, and so does all that they need', async () => {
    const workspace = await fresh();
    const known = await execution('known');
    const named = await snapshot(workspace, 'of an execution', known);
    const all = [];
    for (const content of ['a', 'b', 'c', 'd', 'e']) all.push(await snapshot(workspace, content));
    await age(workspace);
    expect(await retention.sweep(Date.now())).toBe(2);
    const [a, , c, d, e] = all as [Snapshot, Snapshot, ...(Snapshot & { id: string })[]];
    expect(await listed(workspace)).toEqual([e?.id, d?.id, c?.id, named.id]);
    expect(await contentAt(workspace, named)).toBe('of an execution');
    if (c !== undefined) expect(await contentAt(workspace, c)).toBe('c');
    await expect(contentAt(workspace, a)).rejects.toMatchObject({ code: 'E009' });

    // Once nobody knows the execution any more, its snapshot is one like any other.
    await ground.database.deleteFrom('executions').where('id', '=', known).execute();
    await age(workspace);
    expect(await retention.sweep(Date.now())).toBe(1);
    await expect(contentAt(workspace, named)).rejects.toMatchObject({ code: 'E009' });
  });

  it('beyond the age go; the content that is there now, and what is young, stays', async () => {
    const workspace = await fresh();
    const old = await snapshot(workspace, 'old');
    const present = await snapshot(workspace, 'present');
    await age(workspace);
    expect(await retention.sweep(Date.now() + 9 * DAY)).toBe(0);
    expect(await retention.sweep(Date.now() + 11 * DAY)).toBeGreaterThanOrEqual(2);
    expect(await listed(workspace)).toEqual([]);
    await expect(contentAt(workspace, old)).rejects.toMatchObject({ code: 'E009' });
    expect(await contentAt(workspace, present)).toBe('present');

    // Made a moment ago, and named by nobody yet: whoever made it is about to.
    const young = await snapshot(workspace, 'young');
    await snapshot(workspace, 'later');
    await retention.sweep(Date.now() + 11 * DAY);
    expect(await contentAt(workspace, young)).toBe('young');
  });
});
