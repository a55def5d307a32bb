/** Executions: from the accepted request to the one end. */
import { type Abstract, type FactoryProvider, Module, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { AgentsModule } from '../agents/agents.module.js';
import { CacheModule } from '../cache/cache.module.js';
import { CommandsModule } from '../commands/commands.module.js';
import { Config } from '../config/config.js';
import { EgressModule } from '../egress/egress.module.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { WorkspacesModule } from '../workspaces/workspaces.module.js';
import { ActiveExecutions } from './active-executions.js';
import { AnswerRecorder } from './answer-recorder.js';
import { ChangeRecorder } from './change-recorder.js';
import { ChangesController } from './changes.controller.js';
import { Claims, OwnClaims } from './claims.js';
import { Conversations } from './conversations.js';
import { DomainEvents } from './domain-events.js';
import { Elsewhere, Nowhere } from './elsewhere.js';
import { ExecutionChanges } from './execution-changes.js';
import { ExecutionEnder } from './execution-ender.js';
import { ExecutionQueue } from './execution-queue.js';
import { ExecutionRunner } from './execution-runner.js';
import { ExecutionService } from './execution-service.js';
import { ExecutionStore } from './execution-store.js';
import { ExecutionsController } from './executions.controller.js';
import { Flights } from './flights.js';
import { HeldExecutions } from './held-executions.js';
import { InProcessQueue } from './in-process-queue.js';
import { Lifecycle } from './lifecycle.js';
import { Recovery } from './recovery.js';
import { Retention } from './retention.js';
import { LostWorkers } from './shared/lost-workers.js';
import { WarmBoard } from './shared/warm-board.js';
import { SnapshotRetention } from './snapshot-retention.js';
import { WarmController } from './warm.controller.js';
import { Worker } from './worker.js';

/** A port's adapter for one process, or for several, which is not even loaded for one: BullMQ alone is 3 MB (measured). */
const either = <T>(port: Abstract<T>, own: Type<T>, shared: () => Promise<Type<T>>): FactoryProvider<T> => ({
  provide: port,
  useFactory: async (config: Config, module: ModuleRef) =>
    module.create(config.shared ? await shared() : own),
  inject: [Config, ModuleRef],
});

@Module({
  imports: [CacheModule, CommandsModule, AgentsModule, SandboxModule, WorkspacesModule, EgressModule],
  controllers: [ExecutionsController, ChangesController, WarmController],
  providers: [
    either(
      ExecutionQueue,
      InProcessQueue,
      async () => (await import('./shared/shared-queue.js')).SharedQueue,
    ),
    either(Claims, OwnClaims, async () => (await import('./shared/shared-claims.js')).SharedClaims),
    either(Elsewhere, Nowhere, async () => (await import('./shared/cancels.js')).Cancels),
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
    HeldExecutions,
    Lifecycle,
    LostWorkers,
    Recovery,
    Retention,
    SnapshotRetention,
    WarmBoard,
    Worker,
  ],
  exports: [Conversations, DomainEvents, ExecutionQueue, ExecutionService, HeldExecutions, Lifecycle],
})
export class ExecutionModule {}
