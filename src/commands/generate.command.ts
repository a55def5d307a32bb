/** generate: writes new code into the workspace. */
import { Injectable } from '@nestjs/common';
import type { AgentOutcome } from '../agents/agent-engine.js';
import type { ChangeSet } from '../workspaces/workspace.js';
import type { ClaudeCodeRequest } from './claude-code-request.js';
import type { CommandResult } from './claude-code-response.js';
import { Command, WRITING_TOOLS } from './command.js';

/** The first fenced block of a Markdown text. */
const FENCED_BLOCK = /^```[^\n]*\n([\s\S]*?)^```/m;

@Injectable()
export class GenerateCommand extends Command {
  readonly action = 'generate';
  readonly description = 'Writes the code that is asked for into the workspace.';
  readonly options = ['backup', 'dryRun'] as const;
  readonly tools = () => WRITING_TOOLS;
  readonly access = () => 'read-write' as const;

  instructions(): string[] {
    return [
      'Write the code that is asked for as files below the working directory; follow the conventions found there.',
      'Leave existing files alone unless the request needs them changed.',
      'End with a short account of what you made and how to use it.',
    ];
  }

  result(_request: ClaudeCodeRequest, outcome: AgentOutcome, changes: ChangeSet): CommandResult {
    const created = changes.files.find((file) => file.action === 'created' && file.content !== undefined);
    const code = created?.content ?? FENCED_BLOCK.exec(outcome.text)?.[1];
    return code === undefined ? {} : { code };
  }
}
