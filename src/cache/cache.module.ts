/** Answers that are kept, and the names they are found by. */
import { Module } from '@nestjs/common';
import { AgentsModule } from '../agents/agents.module.js';
import { CommandsModule } from '../commands/commands.module.js';
import { EgressModule } from '../egress/egress.module.js';
import { AnswerStore } from './answer-store.js';
import { CacheEvents } from './cache-events.js';
import { Questions } from './questions.js';

@Module({
  imports: [AgentsModule, CommandsModule, EgressModule],
  providers: [AnswerStore, CacheEvents, Questions],
  exports: [AnswerStore, CacheEvents, Questions],
})
export class CacheModule {}
