/** The engines: ways to carry out a task. */
import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { ModelGatewayModule } from '../model-gateway/model-gateway.module.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { WorkspacesModule } from '../workspaces/workspaces.module.js';
import { AcpAgents } from './acp/acp-agents.js';
import { ClaudeCodeEngine } from './claude-code/claude-code.engine.js';
import { ClaudeLauncher } from './claude-code/claude-launcher.js';
import { WarmClaude } from './claude-code/warm-claude.js';
import type { AgentEngine } from './agent-engine.js';
import { AgentEngines, ENGINES } from './engines/agent-engines.js';
import { EnginesController } from './engines/engines.controller.js';
import { HybridEngine } from './hybrid/hybrid.engine.js';
import { MessagesEngine } from './messages/messages.engine.js';
import { SingleAnswers } from './messages/single-answers.js';
import { Workbenches } from './messages/workbenches.js';
import { WarmPlaces } from './warm-places.js';

/** A new engine is its folder, its line here and its name in ENGINES; agents of ACP_AGENTS are added to them. */
const ALL = [ClaudeCodeEngine, MessagesEngine, HybridEngine];

@Module({
  imports: [SandboxModule, ModelGatewayModule, WorkspacesModule],
  controllers: [EnginesController],
  providers: [
    ClaudeLauncher,
    WarmClaude,
    Workbenches,
    SingleAnswers,
    AcpAgents,
    ...ALL,
    {
      provide: ENGINES,
      useFactory: ({ values }: Config, agents: AcpAgents, ...engines: AgentEngine[]) => [
        ...engines.filter(({ name }) => values.ENGINES.includes(name)),
        ...agents.engines,
      ],
      inject: [Config, AcpAgents, ...ALL],
    },
    AgentEngines,
    { provide: WarmPlaces, useExisting: WarmClaude },
  ],
  exports: [AgentEngines, SingleAnswers, WarmPlaces],
})
export class AgentsModule {}
