/** Usage as clients see it. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayUnique, IsIn, IsOptional, Matches } from 'class-validator';
import { USAGE_DIMENSIONS, type UsageDimension, type UsageSum } from './usage-log.js';

/** As callers name the dimensions. */
const DIMENSIONS = { day: 'day', user: 'userId', project: 'projectId', model: 'model' } as const;

const DAY = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;

export class UsageQuery {
  @ApiPropertyOptional({ example: '2026-11-01', description: 'First day, UTC' })
  @IsOptional()
  @Matches(DAY, { message: '$property must be a day, YYYY-MM-DD' })
  from?: string;

  @ApiPropertyOptional({ example: '2026-11-30', description: 'Last day, UTC' })
  @IsOptional()
  @Matches(DAY, { message: '$property must be a day, YYYY-MM-DD' })
  to?: string;

  @ApiPropertyOptional({
    type: String,
    default: 'day',
    example: 'day,model',
    description: `One or more of ${Object.keys(DIMENSIONS).join(', ')}, separated by commas`,
  })
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? value.split(',').map(dimension) : value,
  )
  @ArrayUnique()
  @IsIn(USAGE_DIMENSIONS, {
    each: true,
    message: `$property must be one or more of ${Object.keys(DIMENSIONS).join(', ')}, separated by commas`,
  })
  groupBy: UsageDimension[] = ['day'];
}

const dimension = (name: string): string =>
  Object.entries(DIMENSIONS).find(([key]) => key === name)?.[1] ?? name;

export class UsageItem implements UsageSum {
  @ApiPropertyOptional({ example: '2026-11-23' })
  day?: string;

  @ApiPropertyOptional()
  userId?: string;

  @ApiPropertyOptional()
  projectId?: string;

  @ApiPropertyOptional({ example: 'rehearsal' })
  model?: string;

  @ApiProperty({ description: 'Executions' })
  requests!: number;

  @ApiProperty()
  inputTokens!: number;

  @ApiProperty()
  outputTokens!: number;

  @ApiProperty()
  cacheCreationTokens!: number;

  @ApiProperty()
  cacheReadTokens!: number;

  @ApiProperty({ description: 'All four together' })
  tokens!: number;

  @ApiProperty({ description: 'US dollars; models without a known price add nothing' })
  costUsd!: number;
}

export class UsageReport {
  @ApiProperty({ type: [UsageItem] })
  items!: UsageItem[];

  @ApiProperty()
  total!: UsageItem;
}
