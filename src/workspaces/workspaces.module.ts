/** Gives the house its workspaces. */
import { Module } from '@nestjs/common';
import { EgressModule } from '../egress/egress.module.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { Archives } from './archives.js';
import { ArchivesController } from './archives.controller.js';
import { Clones } from './clones.js';
import { ClonesController } from './clones.controller.js';
import { FilesController } from './files.controller.js';
import { Housekeeping } from './housekeeping.js';
import { SandboxedWorkspaces } from './sandboxed-workspaces.js';
import { SnapshotLog } from './snapshot-log.js';
import { SnapshotsController } from './snapshots.controller.js';
import { Transfers } from './transfers.js';
import { WorkspaceRegistry } from './workspace-registry.js';
import { Workspaces } from './workspace.js';

@Module({
  imports: [EgressModule, SandboxModule],
  controllers: [FilesController, ArchivesController, ClonesController, SnapshotsController],
  providers: [
    Archives,
    Clones,
    Transfers,
    Housekeeping,
    SnapshotLog,
    WorkspaceRegistry,
    { provide: Workspaces, useClass: SandboxedWorkspaces },
  ],
  exports: [SnapshotLog, Workspaces],
})
export class WorkspacesModule {}
