/** The engines: ways to carry out a task. */
import { Module } from '@nestjs/common';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { AgentEngine } from './agent-engine.js';
import { ClaudeCodeEngine } from './claude-code/claude-code.engine.js';

@Module({
  imports: [SandboxModule],
  providers: [{ provide: AgentEngine, useClass: ClaudeCodeEngine }],
  exports: [AgentEngine],
})
export class AgentsModule {}
