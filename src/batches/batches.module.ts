/** Many executions asked for at once: accepted whole or refused whole, followed as one. */
import { Module } from '@nestjs/common';
import { CommandsModule } from '../commands/commands.module.js';
import { ExecutionModule } from '../execution/execution.module.js';
import { StreamingModule } from '../streaming/streaming.module.js';
import { WorkspacesModule } from '../workspaces/workspaces.module.js';
import { BatchIntake } from './batch-intake.js';
import { BatchMessages } from './batch-messages.js';
import { BatchRetention } from './batch-retention.js';
import { BatchService } from './batch-service.js';
import { BatchStore } from './batch-store.js';
import { BatchStream } from './batch-stream.js';
import { BatchesController } from './batches.controller.js';
import { EconomyModule } from './economy/economy.module.js';

@Module({
  imports: [CommandsModule, EconomyModule, ExecutionModule, StreamingModule, WorkspacesModule],
  controllers: [BatchesController],
  providers: [BatchIntake, BatchMessages, BatchRetention, BatchService, BatchStore, BatchStream],
})
export class BatchesModule {}
