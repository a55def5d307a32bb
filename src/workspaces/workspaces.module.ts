/** Gives the house its workspaces. */
import { Module } from '@nestjs/common';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { Archives } from './archives.js';
import { ArchivesController } from './archives.controller.js';
import { FilesController } from './files.controller.js';
import { Housekeeping } from './housekeeping.js';
import { SandboxedWorkspaces } from './sandboxed-workspaces.js';
import { WorkspaceRegistry } from './workspace-registry.js';
import { Workspaces } from './workspace.js';

@Module({
  imports: [SandboxModule],
  controllers: [FilesController, ArchivesController],
  providers: [
    Archives,
    Housekeeping,
    WorkspaceRegistry,
    { provide: Workspaces, useClass: SandboxedWorkspaces },
  ],
  exports: [Workspaces],
})
export class WorkspacesModule {}
