/** The engines: ways to carry out a task. */
import { Module } from '@nestjs/common';
import { ModelGatewayModule } from '../model-gateway/model-gateway.module.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { WorkspacesModule } from '../workspaces/workspaces.module.js';
import { AgentEngine } from './agent-engine.js';
import { ClaudeCodeEngine } from './claude-code/claude-code.engine.js';
import { ClaudeLauncher } from './claude-code/claude-launcher.js';
import { WarmClaude } from './claude-code/warm-claude.js';
import { WarmPlaces } from './warm-places.js';

@Module({
  imports: [SandboxModule, ModelGatewayModule, WorkspacesModule],
  providers: [
    ClaudeLauncher,
    WarmClaude,
    { provide: AgentEngine, useClass: ClaudeCodeEngine },
    { provide: WarmPlaces, useExisting: WarmClaude },
  ],
  exports: [AgentEngine, WarmPlaces],
})
export class AgentsModule {}
