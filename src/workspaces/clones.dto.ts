/** A clone as clients ask for it. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import type { Clone } from './clones.js';

export class CloneRequest {
  @ApiProperty({
    description: 'https, of a public repository',
    example: 'https://github.com/expressjs/cors.git',
  })
  @IsString()
  url!: string;

  @ApiPropertyOptional({
    description: "Branch, tag or whole commit id; default: the repository's own",
    example: 'main',
  })
  @IsOptional()
  @IsString()
  ref?: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description: 'Commits of history; default: all',
    example: 1,
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  depth?: number;

  @ApiPropertyOptional({
    description: 'Empty or new directory in the workspace; default: all of it',
    example: 'cors',
  })
  @IsOptional()
  @IsString()
  path?: string;
}

export class ClonedRepository implements Clone {
  @ApiProperty({ example: 'f038e7722838fd83935674aa8c5bf452766741fb' })
  commit!: string;

  @ApiProperty({ description: 'Branch or tag; `HEAD` when it is neither', example: 'main' })
  ref!: string;

  @ApiProperty({ description: 'Files that were checked out', example: 42 })
  files!: number;

  @ApiProperty({ description: 'Bytes of those files; the history comes on top', example: 123456 })
  bytes!: number;
}
