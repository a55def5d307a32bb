/** The way back to the client: every event by its number, over SSE and socket.io. */
import { Module } from '@nestjs/common';
import { ExecutionModule } from '../execution/execution.module.js';
import { ClaudeCodeController } from './claude-code.controller.js';
import { EventsController } from './events.controller.js';
import { StreamingGateway } from './streaming.gateway.js';

@Module({
  imports: [ExecutionModule],
  controllers: [ClaudeCodeController, EventsController],
  providers: [StreamingGateway],
  exports: [StreamingGateway],
})
export class StreamingModule {}
