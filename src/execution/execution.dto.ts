/** Executions as clients see them, and how they ask for them. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Matches, Max, Min } from 'class-validator';
import { NAME_PATTERN } from '../access/principal.js';
import { ClaudeCodeRequest, COMMAND_ACTIONS, type CommandAction } from '../commands/claude-code-request.js';
import { ClaudeCodeResponse } from '../commands/claude-code-response.js';
import type { Execution, ExecutionSummary } from './execution.js';
import { EXECUTION_STATUSES, type ExecutionStatus } from './execution-state.js';

export class ExecutionView {
  @ApiProperty({ format: 'uuid', example: '019a8b5e-7c1d-7000-8000-000000000000' })
  id!: string;

  @ApiProperty({ enum: EXECUTION_STATUSES })
  status!: ExecutionStatus;

  @ApiProperty({ enum: COMMAND_ACTIONS })
  action!: CommandAction;

  @ApiProperty()
  userId!: string;

  @ApiProperty()
  projectId!: string;

  @ApiProperty({ description: 'Epoch milliseconds' })
  createdAt!: number;

  @ApiPropertyOptional({ description: 'Epoch milliseconds' })
  startedAt?: number;

  @ApiPropertyOptional({ description: 'Epoch milliseconds' })
  endedAt?: number;

  @ApiProperty({ description: 'Which start this is; 0 while it waits for its first' })
  attempt!: number;

  @ApiProperty({ example: 'claude-code' })
  engine!: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'The batch it was asked for in' })
  batchId?: string;

  @ApiPropertyOptional({ description: '0, 1, 2 … in its batch' })
  position?: number;

  @ApiPropertyOptional({ format: 'uuid', description: 'The execution whose conversation it goes on in' })
  continues?: string;

  @ApiPropertyOptional({ type: ClaudeCodeRequest, description: 'What was asked; not in lists' })
  request?: ClaudeCodeRequest;

  @ApiPropertyOptional({ type: ClaudeCodeResponse, description: 'Once ended; not in lists' })
  response?: ClaudeCodeResponse;
}

export class ExecutionList {
  @ApiProperty({ type: [ExecutionView] })
  items!: ExecutionView[];

  @ApiPropertyOptional({ description: 'Give it as `cursor` for the next page; absent on the last' })
  nextCursor?: string;
}

export class ExecutionListQuery {
  @ApiPropertyOptional({ enum: EXECUTION_STATUSES })
  @IsOptional()
  @IsIn(EXECUTION_STATUSES)
  status?: ExecutionStatus;

  @ApiPropertyOptional()
  @IsOptional()
  @Matches(NAME_PATTERN)
  projectId?: string;

  @ApiPropertyOptional({ enum: COMMAND_ACTIONS })
  @IsOptional()
  @IsIn(COMMAND_ACTIONS)
  action?: CommandAction;

  @ApiPropertyOptional({ format: 'uuid', description: 'Only those of this batch' })
  @IsOptional()
  @IsUUID()
  batchId?: string;

  @ApiPropertyOptional({ description: "Another user's, with the scope act-as" })
  @IsOptional()
  @IsString()
  @Matches(NAME_PATTERN)
  userId?: string;

  @ApiPropertyOptional({ default: 50, minimum: 1, maximum: 200 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit: number = 50;

  @ApiPropertyOptional({ description: '`nextCursor` of the page before' })
  @IsOptional()
  @IsUUID()
  cursor?: string;
}

/** The whole of one execution; lists leave request and response out, so that a page stays small. */
export const viewOf = (execution: Execution): ExecutionView => ({
  ...summaryOf(execution),
  request: execution.request,
  response: execution.response,
});

export const summaryOf = (execution: ExecutionSummary): ExecutionView => ({
  id: execution.id,
  status: execution.status,
  action: execution.action,
  userId: execution.userId,
  projectId: execution.projectId,
  createdAt: execution.createdAt,
  startedAt: execution.startedAt,
  endedAt: execution.endedAt,
  attempt: execution.attempt,
  engine: execution.engine,
  batchId: execution.batchId,
  position: execution.position,
  continues: execution.continues,
});
