/** The commands as user interfaces see them: what each does and which options it takes. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { CACHE_MODES, COMMAND_ACTIONS, FORMATS, SEVERITIES } from './claude-code-request.js';
import type { Command, OptionName } from './command.js';
import { COMMON_OPTIONS } from './command-compiler.js';

export class OptionDescription {
  @ApiProperty({ example: 'depth' })
  name!: OptionName;

  @ApiProperty({ enum: ['boolean', 'integer', 'string', 'enum'] })
  type!: 'boolean' | 'integer' | 'string' | 'enum';

  @ApiProperty()
  description!: string;

  @ApiPropertyOptional({ type: [String], description: 'The values of an enum' })
  values?: string[];
}

export class CommandDescription {
  @ApiProperty({ enum: COMMAND_ACTIONS })
  action!: string;

  @ApiProperty()
  description!: string;

  @ApiProperty({
    enum: ['read-only', 'read-write'],
    description: 'How the workspace is mounted without further options',
  })
  access!: string;

  @ApiProperty({ type: [OptionDescription] })
  options!: OptionDescription[];
}

export class CommandCatalogue {
  @ApiProperty({ type: [CommandDescription] })
  items!: CommandDescription[];
}

const OPTIONS = {
  format: { type: 'enum', values: [...FORMATS], description: 'Form of the final answer' },
  streaming: { type: 'boolean', description: 'Answer as a stream of events' },
  timeout: { type: 'integer', description: 'Milliseconds, 1000 or more' },
  maxTokens: { type: 'integer', description: 'Output tokens of the whole execution' },
  engine: { type: 'string', description: 'One of the configured engines' },
  model: { type: 'string', description: 'One of the models of the engine' },
  cache: { type: 'enum', values: [...CACHE_MODES], description: 'Whether a kept answer will do' },
  continue: { type: 'string', description: 'Id of an execution whose conversation goes on' },
  depth: { type: 'integer', description: 'Levels of directories and calls to follow, 1 to 10' },
  includeTests: { type: 'boolean', description: 'Look at tests too' },
  backup: { type: 'boolean', description: 'Keep the state before' },
  dryRun: { type: 'boolean', description: 'Change nothing, answer the changes' },
  severity: { type: 'enum', values: [...SEVERITIES], description: 'The least severe finding to report' },
  fix: { type: 'boolean', description: 'Mend what is found' },
} as const satisfies Record<OptionName, Omit<OptionDescription, 'name'>>;

export const describeCommands = (commands: readonly Command[]): CommandDescription[] =>
  commands.map((command) => ({
    action: command.action,
    description: command.description,
    access: command.access({ action: command.action, prompt: '' }),
    options: [...COMMON_OPTIONS, ...command.options].map((name) => ({ name, ...OPTIONS[name] })),
  }));
