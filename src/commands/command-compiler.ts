/** Turns a validated request into an AgentTask, or refuses it with a clear error. */
import { posix } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { AgentTask } from '../agents/agent-task.js';
import { AgentEngines } from '../agents/engines/agent-engines.js';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { workspacePath } from '../workspaces/workspace-path.js';
import type { ClaudeCodeRequest, Format, RequestOptions } from './claude-code-request.js';
import type { Command } from './command.js';
import { CommandRegistry } from './command-registry.js';
import { asksToLeave } from './prompt-policy.js';

/** Options that every command has. */
export const COMMON_OPTIONS = [
  'format',
  'streaming',
  'timeout',
  'maxTokens',
  'engine',
  'model',
  'cache',
  'continue',
] as const;

const FORMAT_INSTRUCTIONS = {
  text: 'Write your final answer as plain text, without Markdown.',
  markdown: 'Write your final answer as Markdown.',
  json: 'Write your final answer as one JSON document and nothing around it.',
} as const satisfies Record<Format, string>;

@Injectable()
export class CommandCompiler {
  constructor(
    private readonly registry: CommandRegistry,
    private readonly engines: AgentEngines,
    private readonly config: Config,
  ) {}

  /**
   * @param engine that is to carry it out, where that is decided already: whatever the default is now
   * @throws ClaudeCodeError E003 (naming the field), E004 (a path outside the workspace), E006 (courtesy check), E012 (an
   * engine that is not configured any more)
   */
  compile(request: ClaudeCodeRequest, engine = this.engine(request)): AgentTask {
    const command = this.registry.get(request.action);
    this.checkOptions(command, request.options ?? {});
    this.checkPrompt(request.prompt);
    const workingDirectory = directoryOf(request);
    const files = filesOf(request);
    return {
      command: command.action,
      engine,
      prompt: request.prompt,
      systemPrompt: this.systemPrompt(command, request, workingDirectory, files),
      tools: command.tools(request),
      access: command.access(request),
      workingDirectory,
      files: files.map((file) => posix.join(workingDirectory, file)),
      model: this.model(request, engine),
      limits: {
        timeoutMs: request.options?.timeout ?? this.config.values.CLAUDE_CODE_TIMEOUT * 1000,
        maxOutputTokens: request.options?.maxTokens ?? undefined,
        maxTurns: this.config.values.CLAUDE_CODE_MAX_TURNS,
      },
      outputSchema: command.outputSchema(request),
    };
  }

  private checkOptions(command: Command, options: RequestOptions): void {
    const known: readonly string[] = [...COMMON_OPTIONS, ...command.options];
    const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== null);
    for (const [name] of given)
      if (!known.includes(name)) refuse(`options.${name}`, `is not an option of ${command.action}`);
    const limit = this.config.values.CLAUDE_CODE_TIMEOUT * 1000;
    if ((options.timeout ?? 0) > limit)
      refuse('options.timeout', `must not be greater than ${limit} (CLAUDE_CODE_TIMEOUT)`);
  }

  private checkPrompt(prompt: string): void {
    const limit = this.config.values.PROMPT_MAX_CHARS;
    if (prompt.length > limit)
      refuse('prompt', `must not be longer than ${limit} characters (PROMPT_MAX_CHARS)`);
    if (prompt.trim() === '') refuse('prompt', 'must say something');
    if (this.config.values.PROMPT_POLICY === 'courtesy' && asksToLeave(prompt))
      throw new ClaudeCodeError('E006', 'The prompt asks for a path outside the workspace.', {
        details: {
          field: 'prompt',
          hint: 'name paths below the workspace; PROMPT_POLICY=off lifts this check',
        },
      });
  }

  private engine({ action, options }: ClaudeCodeRequest): string {
    const engine = options?.engine ?? this.engines.defaultFor(action);
    if (this.engines.find(engine) === undefined)
      refuse('options.engine', `must be one of ${this.engines.names.join(', ')}`);
    return engine;
  }

  private model({ action, options }: ClaudeCodeRequest, engine: string): string {
    const { models } = this.engines.get(engine);
    const model = options?.model ?? this.engines.defaultModelFor(action, { models });
    if (!models.includes(model)) refuse('options.model', `must be one of ${models.join(', ')}`);
    return model;
  }

  private systemPrompt(
    command: Command,
    request: ClaudeCodeRequest,
    directory: string,
    files: string[],
  ): string {
    const { language, framework } = request.context ?? {};
    return [
      `Caisson command: ${command.action}`,
      `Working directory: ${posix.join('/workspace', directory)}`,
      ...command.instructions(request),
      ...(language ? [`Language: ${language}`] : []),
      ...(framework ? [`Framework: ${framework}`] : []),
      ...(files.length > 0 ? ['Look at these files first:', ...files.map((file) => `- ${file}`)] : []),
      FORMAT_INSTRUCTIONS[request.options?.format ?? 'markdown'],
    ].join('\n');
  }
}

function directoryOf(request: ClaudeCodeRequest): string {
  const directory = request.context?.workingDirectory ?? '.';
  return directory === '.' ? '.' : workspacePath(directory, 'context.workingDirectory');
}

const filesOf = (request: ClaudeCodeRequest): string[] =>
  (request.context?.files ?? []).map((file, index) => workspacePath(file, `context.files[${index}]`));

/** @throws ClaudeCodeError E003 */
function refuse(field: string, problem: string): never {
  throw new ClaudeCodeError('E003', `${field} ${problem}`, { details: [{ field, problem }] });
}
