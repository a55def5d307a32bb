/** Files as clients see them. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Matches } from 'class-validator';
import { NAME_PATTERN } from '../access/principal.js';
import type { FileEntry } from './workspace.js';

export class ProjectParam {
  @ApiProperty({ example: 'demo' })
  @Matches(NAME_PATTERN)
  projectId!: string;
}

export class FileParam extends ProjectParam {
  /** The parts between the slashes, decoded once by the router. */
  @ApiProperty({
    type: String,
    description: 'Relative to the workspace, `/` between the parts',
    example: 'src/hello.ts',
  })
  @IsString({ each: true })
  path!: string[];
}

export class OfUserQuery {
  @ApiPropertyOptional({ description: "Another user's, with the scope act-as" })
  @IsOptional()
  @Matches(NAME_PATTERN)
  userId?: string;
}

export class FileView implements FileEntry {
  @ApiProperty({ example: 'src/hello.ts' })
  path!: string;

  @ApiProperty({ description: 'Bytes' })
  size!: number;

  @ApiProperty({ description: 'Epoch milliseconds' })
  modifiedAt!: number;

  @ApiProperty({ enum: ['file', 'directory', 'symlink', 'other'] })
  type!: FileEntry['type'];
}

export class FileList {
  @ApiProperty({ type: [FileView] })
  items!: FileView[];
}

export class WrittenFile {
  @ApiProperty({ example: 'src/hello.ts' })
  path!: string;

  @ApiProperty({ description: 'Bytes' })
  size!: number;
}
