/** Executions: from the accepted request to the one end. */
import { Module } from '@nestjs/common';
import { AgentsModule } from '../agents/agents.module.js';
import { CacheModule } from '../cache/cache.module.js';
import { CommandsModule } from '../commands/commands.module.js';
import { EgressModule } from '../egress/egress.module.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { WorkspacesModule } from '../workspaces/workspaces.module.js';
import { ActiveExecutions } from './active-executions.js';
import { AnswerRecorder } from './answer-recorder.js';
import { ChangeRecorder } from './change-recorder.js';
import { ChangesController } from './changes.controller.js';
import { Conversations } from './conversations.js';
import { DomainEvents } from './domain-events.js';
import { ExecutionChanges } from './execution-changes.js';
import { ExecutionEnder } from './execution-ender.js';
import { ExecutionQueue } from './execution-queue.js';
import { ExecutionRunner } from './execution-runner.js';
import { ExecutionService } from './execution-service.js';
import { ExecutionStore } from './execution-store.js';
import { ExecutionsController } from './executions.controller.js';
import { Flights } from './flights.js';
import { InProcessQueue } from './in-process-queue.js';
import { Lifecycle } from './lifecycle.js';
import { Retention } from './retention.js';
import { SnapshotRetention } from './snapshot-retention.js';
import { WarmController } from './warm.controller.js';
import { Worker } from './worker.js';

@Module({
  imports: [CacheModule, CommandsModule, AgentsModule, SandboxModule, WorkspacesModule, EgressModule],
  controllers: [ExecutionsController, ChangesController, WarmController],
  providers: [
    { provide: ExecutionQueue, useClass: InProcessQueue },
    ActiveExecutions,
    AnswerRecorder,
    ChangeRecorder,
    Conversations,
    DomainEvents,
    ExecutionChanges,
    ExecutionEnder,
    ExecutionRunner,
    ExecutionService,
    ExecutionStore,
    Flights,
    Lifecycle,
    Retention,
    SnapshotRetention,
    Worker,
  ],
  exports: [Conversations, DomainEvents, ExecutionQueue, ExecutionService, Lifecycle],
})
export class ExecutionModule {}
