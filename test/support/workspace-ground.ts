/** Ground for tests of workspaces: real sandboxes, a real database, and an agent of sorts, a shell in a sandbox. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Config } from '../../src/config/config.js';
import { Membership } from '../../src/cluster/membership.js';
import { type Database } from '../../src/persistence/database.js';
import { openDatabase } from '../../src/persistence/persistence.module.js';
import type { SandboxExit } from '../../src/sandbox/sandbox.js';
import { Archives } from '../../src/workspaces/archives.js';
import { Housekeeping } from '../../src/workspaces/housekeeping.js';
import { LocalLease } from '../../src/workspaces/local-lease.js';
import type { WorkspaceLease } from '../../src/workspaces/workspace-lease.js';
import { SandboxedWorkspaces } from '../../src/workspaces/sandboxed-workspaces.js';
import { Transfers } from '../../src/workspaces/transfers.js';
import type { ChangeSet, Snapshot, Workspace } from '../../src/workspaces/workspace.js';
import { WorkspaceRegistry } from '../../src/workspaces/workspace-registry.js';
import { DirectoryStorage, type WorkspaceStorage } from '../../src/workspaces/workspace-storage.js';
import { sandboxGround, type SandboxGround } from './sandbox-ground.js';

export interface WorkspaceGround {
  sandboxes: SandboxGround;
  database: Database;
  housekeeping: Housekeeping;
  storage: WorkspaceStorage;
  workspaces: SandboxedWorkspaces;
  /** Another server on the same data, as after a restart. */
  restarted(): SandboxedWorkspaces;
  /** What differs between a snapshot and now. */
  changesSince(workspace: Workspace, before: Snapshot): Promise<ChangeSet>;
  /** Works in the workspace as an agent does. @throws Error unless it exits with 0 */
  agent(workspace: Workspace, line: string): Promise<string>;
  /** Looks into what is kept of a workspace. */
  kept(workspace: Workspace, line: string): Promise<string>;
  put(
    workspace: Workspace,
    path: string,
    content: string | Buffer,
  ): Promise<{ created: boolean; size: number }>;
  get(workspace: Workspace, path: string): Promise<Buffer>;
  clear(): Promise<void>;
}

/** What it stands on, when that is not one process with a directory of its own. */
interface Footing {
  lease: (database: Database) => Promise<WorkspaceLease>;
  storage: (parts: {
    database: Database;
    housekeeping: Housekeeping;
    registry: WorkspaceRegistry;
    config: Config;
  }) => Promise<WorkspaceStorage>;
}

const ALONE: Footing = {
  lease: () => Promise.resolve(new LocalLease()),
  storage: () => Promise.resolve(new DirectoryStorage()),
};

export async function workspaceGround(
  settings: NodeJS.ProcessEnv = {},
  footing: Footing = ALONE,
): Promise<WorkspaceGround> {
  const sandboxes = await sandboxGround(settings);
  const { config } = sandboxes;
  const database = await openDatabase(config);
  const housekeeping = new Housekeeping(sandboxes.sandboxes, config, await footing.lease(database));
  const registry = () => new WorkspaceRegistry(database, config, new Membership(database, config));
  const storage = await footing.storage({ database, housekeeping, registry: registry(), config });
  const make = () => new SandboxedWorkspaces(registry(), housekeeping, storage, config);
  const workspaces = make();
  return {
    sandboxes,
    database,
    housekeeping,
    storage,
    workspaces,
    restarted: make,
    changesSince: async (workspace, before) =>
      workspaces.changes(workspace, before, await workspaces.snapshot(workspace, { count: true })),
    agent: async (workspace, line) => {
      const { stdout, stderr, exit } = await workspaces.writing(workspace, () =>
        sandboxes.shell(line, { workspace }),
      );
      if (exit.code !== 0) throw new Error(`the agent's shell ended with ${describe(exit)}: ${stderr}`);
      return stdout;
    },
    kept: async (workspace, line) => {
      const state = { source: housekeeping.stateDirectory(workspace.id), target: '/state' };
      return (await sandboxes.shell(`cd /state && ${line}`, { workspace, writable: [state] })).stdout;
    },
    put: (workspace, path, content) =>
      workspaces.write(workspace, path, Readable.from([Buffer.from(content)])),
    get: async (workspace, path) => buffer((await workspaces.read(workspace, path)).content),
    clear: async () => {
      await database.destroy();
      await sandboxes.clear();
    },
  };
}

/** Uploads and downloads on it. */
export function archivesOn({ housekeeping, storage, sandboxes: { config } }: WorkspaceGround): Archives {
  return new Archives(new Transfers(housekeeping, storage, config), housekeeping, config);
}

const describe = ({ code, signal }: SandboxExit) => String(signal ?? code);
