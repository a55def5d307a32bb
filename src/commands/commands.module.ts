/** The commands, each registered by its action. */
import { Module } from '@nestjs/common';
import { AgentsModule } from '../agents/agents.module.js';
import { AnalyzeCommand } from './analyze.command.js';
import type { Command } from './command.js';
import { CommandCompiler } from './command-compiler.js';
import { COMMANDS, CommandRegistry } from './command-registry.js';
import { CommandsController } from './commands.controller.js';
import { GenerateCommand } from './generate.command.js';
import { RefactorCommand } from './refactor.command.js';
import { ReviewCommand } from './review.command.js';

/** A new command is its file and its line here. */
const ALL = [GenerateCommand, AnalyzeCommand, RefactorCommand, ReviewCommand];

@Module({
  imports: [AgentsModule],
  controllers: [CommandsController],
  providers: [
    ...ALL,
    { provide: COMMANDS, useFactory: (...commands: Command[]) => commands, inject: ALL },
    CommandRegistry,
    CommandCompiler,
  ],
  exports: [CommandRegistry, CommandCompiler],
})
export class CommandsModule {}
