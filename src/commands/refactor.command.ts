/** refactor: changes the shape of existing code, not what it does. */
import { Injectable } from '@nestjs/common';
import type { CommandResult } from './claude-code-response.js';
import { Command, WRITING_TOOLS } from './command.js';

@Injectable()
export class RefactorCommand extends Command {
  readonly action = 'refactor';
  readonly description = 'Restructures existing code without changing what it does.';
  readonly options = ['backup', 'dryRun'] as const;
  readonly tools = () => WRITING_TOOLS;
  readonly access = () => 'read-write' as const;

  instructions(): string[] {
    return [
      'Restructure the existing code as asked. Its behaviour stays as it is; its tests, where there are any, still pass.',
      'Read every file before you edit it, and change no more than the request needs.',
      'End with a short account of what you changed and why.',
    ];
  }

  override severalTurns(): string {
    return 'refactor reads files, and then changes them';
  }

  result(): CommandResult {
    return {};
  }
}
