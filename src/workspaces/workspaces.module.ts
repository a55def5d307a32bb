/** Gives the house its workspaces. */
import { Module } from '@nestjs/common';
import { Membership } from '../cluster/membership.js';
import { Config } from '../config/config.js';
import { EgressModule } from '../egress/egress.module.js';
import { Database } from '../persistence/database.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { Archives } from './archives.js';
import { ArchivesController } from './archives.controller.js';
import { Clones } from './clones.js';
import { ClonesController } from './clones.controller.js';
import { DatabaseLease } from './database-lease.js';
import { FilesController } from './files.controller.js';
import { Housekeeping } from './housekeeping.js';
import { LocalLease } from './local-lease.js';
import { Bucket } from './objects/bucket.js';
import { Copies } from './objects/copies.js';
import { ObjectStorage } from './objects/object-storage.js';
import { Orphans } from './objects/orphans.js';
import { Versions } from './objects/versions.js';
import { SandboxedWorkspaces } from './sandboxed-workspaces.js';
import { SnapshotLog } from './snapshot-log.js';
import { SnapshotsController } from './snapshots.controller.js';
import { Transfers } from './transfers.js';
import { WorkspaceRegistry } from './workspace-registry.js';
import { WorkspaceLease } from './workspace-lease.js';
import { DirectoryStorage, WorkspaceStorage } from './workspace-storage.js';
import { Workspaces } from './workspace.js';

const leaseOf = (config: Config, database: Database, membership: Membership): WorkspaceLease =>
  config.shared ? new DatabaseLease(database, membership) : new LocalLease();

const storageOf = async (
  config: Config,
  bucket: Bucket,
  versions: Versions,
  housekeeping: Housekeeping,
  registry: WorkspaceRegistry,
): Promise<WorkspaceStorage> =>
  config.bucket === undefined
    ? new DirectoryStorage()
    : new ObjectStorage(bucket, versions, await Copies.open(config), housekeeping, registry, config);

@Module({
  imports: [EgressModule, SandboxModule],
  controllers: [FilesController, ArchivesController, ClonesController, SnapshotsController],
  providers: [
    Archives,
    Clones,
    Transfers,
    Housekeeping,
    { provide: WorkspaceLease, useFactory: leaseOf, inject: [Config, Database, Membership] },
    Bucket,
    Orphans,
    Versions,
    {
      provide: WorkspaceStorage,
      useFactory: storageOf,
      inject: [Config, Bucket, Versions, Housekeeping, WorkspaceRegistry],
    },
    SnapshotLog,
    WorkspaceRegistry,
    { provide: Workspaces, useClass: SandboxedWorkspaces },
  ],
  exports: [Orphans, SnapshotLog, Workspaces],
})
export class WorkspacesModule {}
