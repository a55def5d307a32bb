/** The specification's request: what can be asked, validated field by field; unknown fields are refused. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { NAME_PATTERN } from '../access/principal.js';
import { IsPlainText } from './plain-text.validator.js';

export const COMMAND_ACTIONS = ['generate', 'analyze', 'refactor', 'review'] as const;
export type CommandAction = (typeof COMMAND_ACTIONS)[number];

export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const FORMATS = ['json', 'text', 'markdown'] as const;
export type Format = (typeof FORMATS)[number];

const NAME_MESSAGE =
  '$property must be 1 to 128 letters, digits, ".", "_", "@" or "-", beginning with a letter or digit';

/**
 * `auto`: a kept answer will do, and this one may be kept; `refresh`: run, and keep the answer instead of an earlier one;
 * `off`: neither.
 */
export const CACHE_MODES = ['auto', 'off', 'refresh'] as const;
export type CacheMode = (typeof CACHE_MODES)[number];

export class RequestContext {
  @ApiPropertyOptional({ default: '.', description: 'Relative to the workspace; must exist' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  workingDirectory?: string;

  @ApiPropertyOptional({
    type: [String],
    description: 'Files to look at first, relative to the working directory',
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1000)
  @IsString({ each: true })
  @IsNotEmpty({ each: true })
  files?: string[];

  @ApiPropertyOptional({ example: 'typescript' })
  @IsOptional()
  @IsPlainText()
  @MaxLength(100)
  language?: string;

  @ApiPropertyOptional({ example: 'nestjs' })
  @IsOptional()
  @IsPlainText()
  @MaxLength(100)
  framework?: string;
}

export class RequestOptions {
  @ApiPropertyOptional({ enum: FORMATS, description: 'Form of `result.text`' })
  @IsOptional()
  @IsIn(FORMATS)
  format?: Format;

  @ApiPropertyOptional({ description: 'Answer as text/event-stream' })
  @IsOptional()
  @IsBoolean()
  streaming?: boolean;

  @ApiPropertyOptional({ description: 'Milliseconds, 1000 … CLAUDE_CODE_TIMEOUT' })
  @IsOptional()
  @IsInt()
  @Min(1000)
  timeout?: number;

  @ApiPropertyOptional({ description: 'Output tokens of the whole execution; used up: E011' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  maxTokens?: number;

  @ApiPropertyOptional({
    example: 'claude-code',
    description:
      'Who carries it out: one of GET /api/engines; by default ENGINE_BY_COMMAND, then ENGINE_DEFAULT',
  })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  engine?: string;

  @ApiPropertyOptional({
    description: 'One of the models of its engine; by default MODEL_BY_COMMAND, then CLAUDE_CODE_MODEL',
  })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  model?: string;

  @ApiPropertyOptional({
    enum: CACHE_MODES,
    description:
      'Whether a kept answer to the same request about the same files will do. By default `auto` for what only reads and for dry runs, else `off`; `auto` for what writes puts the kept changes in place',
  })
  @IsOptional()
  @IsIn(CACHE_MODES)
  cache?: CacheMode;

  @ApiPropertyOptional({
    format: 'uuid',
    description:
      'An execution of the same project that succeeded: goes on in its conversation, as a fork when another has already',
  })
  @IsOptional()
  @IsUUID()
  continue?: string;

  @ApiPropertyOptional({ description: 'analyze: how many levels of directories or calls to follow' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(10)
  depth?: number;

  @ApiPropertyOptional({ description: 'analyze: look at tests too' })
  @IsOptional()
  @IsBoolean()
  includeTests?: boolean;

  @ApiPropertyOptional({ description: 'refactor, generate: keep the state before' })
  @IsOptional()
  @IsBoolean()
  backup?: boolean;

  @ApiPropertyOptional({ description: 'refactor, generate: change nothing, answer the changes' })
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;

  @ApiPropertyOptional({ enum: SEVERITIES, description: 'review: the least severe finding to report' })
  @IsOptional()
  @IsIn(SEVERITIES)
  severity?: Severity;

  @ApiPropertyOptional({ description: 'review: mend what is found; the workspace is writable then' })
  @IsOptional()
  @IsBoolean()
  fix?: boolean;
}

export class RequestMetadata {
  @ApiPropertyOptional({ description: "Another user than the key's own needs the scope act-as" })
  @IsOptional()
  @IsString()
  @Matches(NAME_PATTERN, { message: NAME_MESSAGE })
  userId?: string;

  @ApiPropertyOptional({ default: 'default', example: 'demo' })
  @IsOptional()
  @IsString()
  @Matches(NAME_PATTERN, { message: NAME_MESSAGE })
  projectId?: string;

  @ApiPropertyOptional({ description: 'Epoch milliseconds, as the client has it; kept with the request' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  timestamp?: number;
}

export class ClaudeCodeRequest {
  @ApiProperty({ enum: COMMAND_ACTIONS })
  @IsIn(COMMAND_ACTIONS)
  action!: CommandAction;

  @ApiProperty({
    description: '1 … PROMPT_MAX_CHARS characters',
    example: 'Create hello.txt with a greeting',
  })
  @IsPlainText()
  @IsNotEmpty()
  prompt!: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RequestContext)
  context?: RequestContext;

  @ApiPropertyOptional()
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RequestOptions)
  options?: RequestOptions;

  @ApiPropertyOptional()
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RequestMetadata)
  metadata?: RequestMetadata;
}
