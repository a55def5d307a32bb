/** The project that a route is about, and whose it is. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { NAME_PATTERN } from './principal.js';

export class ProjectParam {
  @ApiProperty({ example: 'demo' })
  @Matches(NAME_PATTERN)
  projectId!: string;
}

export class OfUserQuery {
  @ApiPropertyOptional({ description: "Another user's, with the scope act-as" })
  @IsOptional()
  @Matches(NAME_PATTERN)
  userId?: string;
}
