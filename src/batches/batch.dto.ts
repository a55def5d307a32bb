/** Batches as clients see them, and how they ask for them. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { NAME_PATTERN } from '../access/principal.js';
import { ClaudeCodeRequest } from '../commands/claude-code-request.js';
import { BATCH_MAX_VALUES } from '../errors/plain-json.js';
import { MaxValues } from '../errors/validation.pipe.js';
import { EventsQuery } from '../streaming/events.dto.js';
import {
  type Batch,
  BATCH_MODES,
  BATCH_STATUSES,
  type BatchMode,
  type BatchCounts,
  type BatchState,
  type BatchStatus,
  STATUS_RULE,
} from './batch.js';

@MaxValues(BATCH_MAX_VALUES)
export class BatchRequest {
  @ApiProperty({
    type: [ClaudeCodeRequest],
    description: '1 … BATCH_MAX_ITEMS requests, each checked as if alone',
  })
  @IsArray()
  @ArrayNotEmpty()
  requests!: unknown[];

  @ApiPropertyOptional({
    enum: BATCH_MODES,
    default: 'standard',
    description:
      '`economy`: asked through the batch endpoint of the model service, within a day and at half the price; only what one answer of the model can do',
  })
  @IsOptional()
  @IsIn(BATCH_MODES)
  mode?: BatchMode;
}

class BatchCountsView implements BatchCounts {
  @ApiProperty()
  queued!: number;

  @ApiProperty()
  running!: number;

  @ApiProperty()
  succeeded!: number;

  @ApiProperty({ description: 'Timed out ones included' })
  failed!: number;

  @ApiProperty()
  cancelled!: number;
}

export class BatchView implements BatchState {
  @ApiProperty({ format: 'uuid', example: '019a8b5e-7c1d-7000-8000-000000000000' })
  id!: string;

  @ApiProperty({ enum: BATCH_MODES })
  mode!: BatchMode;

  @ApiProperty({ enum: BATCH_STATUSES, description: STATUS_RULE })
  status!: BatchStatus;

  @ApiProperty({ description: 'Requests it was made of' })
  total!: number;

  @ApiProperty({ type: BatchCountsView })
  counts!: BatchCounts;

  @ApiProperty({ description: 'Ended ÷ total, 0 … 1' })
  progress!: number;

  @ApiProperty({ description: 'Whose key asked' })
  userId!: string;

  @ApiProperty({ description: 'Epoch milliseconds' })
  createdAt!: number;

  @ApiPropertyOptional({ description: 'Epoch milliseconds, of the first start' })
  startedAt?: number;

  @ApiPropertyOptional({ description: 'Epoch milliseconds, of the last end' })
  endedAt?: number;
}

export class BatchList {
  @ApiProperty({ type: [BatchView] })
  items!: BatchView[];

  @ApiPropertyOptional({ description: 'Give it as `cursor` for the next page; absent on the last' })
  nextCursor?: string;
}

export class BatchListQuery {
  @ApiPropertyOptional({ description: "Another user's, with the scope act-as" })
  @IsOptional()
  @Matches(NAME_PATTERN)
  userId?: string;

  /** The states of a page are counted from all their executions: some milliseconds at 50 of the largest. */
  @ApiPropertyOptional({ default: 20, minimum: 1, maximum: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(50)
  limit: number = 20;

  @ApiPropertyOptional({ description: '`nextCursor` of the page before' })
  @IsOptional()
  @IsUUID()
  cursor?: string;
}

export class ResultsQuery {
  @ApiPropertyOptional({
    enum: ['true', 'false'],
    default: 'true',
    description: '`false`: only what has ended by now',
  })
  @IsOptional()
  @IsIn(['true', 'false'])
  wait: 'true' | 'false' = 'true';
}

/** Over socket.io. */
export class BatchCancelMessage {
  @MaxLength(64)
  batchId!: string;
}

export class BatchSubscribeMessage extends EventsQuery {
  @MaxLength(64)
  batchId!: string;
}

export const viewOf = ({ id, mode, total, userId, createdAt }: Batch, state: BatchState): BatchView => ({
  id,
  mode,
  status: state.status,
  total,
  counts: state.counts,
  progress: state.progress,
  userId,
  createdAt,
  startedAt: state.startedAt,
  endedAt: state.endedAt,
});
