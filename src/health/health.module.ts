/** Tells an orchestrator how this process is; nothing depends on it. */
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ExecutionModule } from '../execution/execution.module.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';

@Module({
  // Its own log would repeat every failed probe; who asked gets the answer, and that is enough.
  imports: [TerminusModule.forRoot({ logger: false }), ExecutionModule, SandboxModule],
  controllers: [HealthController],
  providers: [Readiness],
})
export class HealthModule {}
