/** An event as documented, and how a stream is asked for. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { EVENT_TYPES } from '../execution/execution-event.js';

export class EventsQuery {
  @ApiPropertyOptional({ default: 0, description: 'Only events with a greater number' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  after: number = 0;
}

export class EventView {
  @ApiProperty({ format: 'uuid' })
  executionId!: string;

  @ApiProperty({ description: '1, 2, 3 … without holes' })
  seq!: number;

  @ApiProperty({ description: 'Epoch milliseconds' })
  at!: number;

  @ApiProperty({ enum: EVENT_TYPES })
  type!: string;

  @ApiProperty({
    type: Object,
    description: 'By type: `{text}`, `{id, name, input}`, `{status, response}` …',
  })
  data!: unknown;
}
