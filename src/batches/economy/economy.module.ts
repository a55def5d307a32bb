/** Batches that can wait, as a worker needs them: it carries them to the model's service, also where no caller comes. */
import { Module } from '@nestjs/common';
import { AgentsModule } from '../../agents/agents.module.js';
import { CommandsModule } from '../../commands/commands.module.js';
import { ExecutionModule } from '../../execution/execution.module.js';
import { ModelGatewayModule } from '../../model-gateway/model-gateway.module.js';
import { WorkspacesModule } from '../../workspaces/workspaces.module.js';
import { EconomyDesk } from './economy-desk.js';
import { Packing } from './packing.js';
import { ParcelExchange } from './parcel-exchange.js';
import { ParcelStore } from './parcel-store.js';

@Module({
  imports: [AgentsModule, CommandsModule, ExecutionModule, ModelGatewayModule, WorkspacesModule],
  providers: [EconomyDesk, Packing, ParcelExchange, ParcelStore],
  exports: [EconomyDesk],
})
export class EconomyModule {}
