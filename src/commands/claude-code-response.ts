/** The specification's answer: one envelope for results and errors alike. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ERROR_CATALOGUE, type ErrorCode } from '../errors/catalogue.js';
import type { ErrorBody } from '../errors/claude-code.error.js';

export class ResultFile {
  @ApiProperty({ example: 'src/hello.ts', description: 'Relative to the workspace' })
  path!: string;

  @ApiProperty({ description: "After the change; '' when deleted, binary or above CHANGE_CONTENT_MAX_BYTES" })
  content!: string;

  @ApiProperty({ enum: ['created', 'modified', 'deleted'] })
  action!: 'created' | 'modified' | 'deleted';
}

export class CommandResult {
  @ApiPropertyOptional({ description: "The agent's final answer" })
  text?: string;

  @ApiPropertyOptional({
    description: 'generate: the code of the first file it made, or of the first block in its answer',
  })
  code?: string;

  @ApiPropertyOptional({
    type: [ResultFile],
    description: 'What changed in the workspace, found from the file system',
  })
  files?: ResultFile[];

  @ApiPropertyOptional({ type: Object, description: 'analyze: the structured analysis' })
  analysis?: object;

  @ApiPropertyOptional({ type: [String], description: 'review: one suggestion an entry, worst first' })
  suggestions?: string[];
}

export class ResponseError implements ErrorBody {
  @ApiProperty({ enum: Object.keys(ERROR_CATALOGUE), example: 'E003' })
  code!: ErrorCode;

  @ApiProperty()
  message!: string;

  @ApiPropertyOptional({ type: Object })
  details?: unknown;
}

export class ResponseMetadata {
  @ApiProperty({ description: "'' when no execution was made" })
  executionId!: string;

  @ApiProperty({ description: 'Milliseconds from start to end; 0 when no execution was made' })
  duration!: number;

  @ApiProperty({ description: 'Input, cache and output tokens together, metered on the wire' })
  tokensUsed!: number;

  @ApiProperty({ example: 'rehearsal' })
  model!: string;

  @ApiPropertyOptional({ description: 'US dollars' })
  costUsd?: number;

  @ApiPropertyOptional({
    format: 'uuid',
    description: 'With `options.backup`: the snapshot of the state before',
  })
  backup?: string;

  @ApiPropertyOptional({ description: 'True when it is a kept answer: nothing ran, no tokens were used' })
  cached?: boolean;

  @ApiPropertyOptional({ description: 'With tracing: the trace in which it was asked for' })
  traceId?: string;
}

export class ClaudeCodeResponse {
  @ApiProperty()
  success!: boolean;

  @ApiProperty({ example: 'generate' })
  action!: string;

  @ApiPropertyOptional()
  result?: CommandResult;

  @ApiPropertyOptional()
  error?: ResponseError;

  @ApiProperty()
  metadata!: ResponseMetadata;
}
