/** A command: what can be asked, and how it becomes an engine-neutral order and a result. One file each. */
import type { AgentOutcome } from '../agents/agent-engine.js';
import type { JsonSchema } from '../agents/agent-task.js';
import type { WorkspaceAccess } from '../sandbox/sandbox.js';
import { VERSION } from '../version.js';
import type { ChangeSet } from '../workspaces/workspace.js';
import type { ClaudeCodeRequest, CommandAction, RequestOptions } from './claude-code-request.js';
import type { CommandResult } from './claude-code-response.js';

export type OptionName = keyof RequestOptions;

export abstract class Command {
  abstract readonly action: CommandAction;
  /** Another one whenever the same request would be carried out or answered differently: every version of the product. */
  readonly version: string = VERSION;
  /** One sentence for people. */
  abstract readonly description: string;
  /** The options it understands besides those that every command has; any other is refused with E003. */
  abstract readonly options: readonly OptionName[];
  /** The tools its agent may use; everything else is denied. */
  abstract tools(request: ClaudeCodeRequest): readonly string[];
  /** What the kernel lets its agent do with the workspace. */
  abstract access(request: ClaudeCodeRequest): WorkspaceAccess;
  /** What the agent is to do, one instruction a line; framing that all commands share is added by the compiler. */
  abstract instructions(request: ClaudeCodeRequest): string[];
  /** Shape of the final answer, for commands that answer an object. */
  outputSchema(_request: ClaudeCodeRequest): JsonSchema | undefined {
    return undefined;
  }
  /**
   * Why it takes the agent several turns, in a few words; undefined when one answer of the model will do: it is shown the
   * files, may write whole ones, and is told nothing more.
   */
  severalTurns(_request: ClaudeCodeRequest): string | undefined {
    return undefined;
  }
  /** The command's part of the answer; text and changed files are added for all. */
  abstract result(request: ClaudeCodeRequest, outcome: AgentOutcome, changes: ChangeSet): CommandResult;
}

/** The CLI searches through Bash, so reading needs it too: it is the read-only mount that keeps it from writing. */
export const READING_TOOLS = ['Bash', 'Read'] as const;
export const WRITING_TOOLS = [...READING_TOOLS, 'Edit', 'Write', 'NotebookEdit'] as const;
