/** One page of a list: how it is asked for and how it is answered. */
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { WITHOUT_NUL } from './id.pipe.js';

export class PageQuery {
  @ApiPropertyOptional({ default: 50, minimum: 1, maximum: 500 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  limit = 50;

  @ApiPropertyOptional({ description: '`nextCursor` of the page before; opaque' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  @Matches(WITHOUT_NUL)
  cursor?: string;
}

export interface Page<T> {
  items: T[];
  /** Missing on the last page. */
  nextCursor?: string;
}
