/** The workspaces of the built product, without its server: for rows that ask them alone. */
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as Configuration from '../../src/config/config.js';
import type * as Persistence from '../../src/persistence/persistence.module.js';
import type * as Bubblewrap from '../../src/sandbox/bubblewrap/bubblewrap-sandboxes.js';
import type * as Cluster from '../../src/cluster/membership.js';
import type * as Lease from '../../src/workspaces/local-lease.js';
import type * as Housekeeper from '../../src/workspaces/housekeeping.js';
import type * as Registry from '../../src/workspaces/workspace-registry.js';
import type * as Sandboxed from '../../src/workspaces/sandboxed-workspaces.js';
import type * as Storage from '../../src/workspaces/workspace-storage.js';
import type { Workspace } from '../../src/workspaces/workspace.js';
import { built } from './paths.ts';

export interface OpenWorkspace extends AsyncDisposable {
  workspace: Workspace;
  /** As after somebody's write: nothing is known of the content but what is kept. */
  snapshot(): Promise<void>;
  /** Writes into a file of it, as its owner. */
  put(name: string, content: string): Promise<void>;
}

export async function openWorkspace(directory: string): Promise<OpenWorkspace> {
  const { Config } = await built<typeof Configuration>('config/config.js');
  const { openDatabase } = await built<typeof Persistence>('persistence/persistence.module.js');
  const { BubblewrapSandboxes } = await built<typeof Bubblewrap>(
    'sandbox/bubblewrap/bubblewrap-sandboxes.js',
  );
  const { Housekeeping } = await built<typeof Housekeeper>('workspaces/housekeeping.js');
  const { WorkspaceRegistry } = await built<typeof Registry>('workspaces/workspace-registry.js');
  const { SandboxedWorkspaces } = await built<typeof Sandboxed>('workspaces/sandboxed-workspaces.js');
  const { LocalLease } = await built<typeof Lease>('workspaces/local-lease.js');
  const { DirectoryStorage } = await built<typeof Storage>('workspaces/workspace-storage.js');
  const { Membership } = await built<typeof Cluster>('cluster/membership.js');
  const config = Config.from({ CAISSON_DATA: join(directory, 'data') });
  const database = await openDatabase(config);
  const sandboxes = new BubblewrapSandboxes(config);
  const housekeeping = new Housekeeping(sandboxes, config, new LocalLease());
  const registry = new WorkspaceRegistry(database, config, new Membership(database, config));
  const workspaces = new SandboxedWorkspaces(registry, housekeeping, new DirectoryStorage(), config);
  const workspace = await workspaces.open('user', 'project');
  return {
    workspace,
    async snapshot() {
      // Otherwise it is known, and not taken again.
      await workspaces.writing(workspace, () => Promise.resolve());
      await workspaces.snapshot(workspace);
    },
    async put(name, content) {
      const path = join(workspace.path, name);
      await writeFile(path, content);
      if (workspace.uid !== undefined) await chown(path, workspace.uid, workspace.uid);
    },
    async [Symbol.asyncDispose]() {
      await sandboxes.onApplicationShutdown();
      await database.destroy();
    },
  };
}
