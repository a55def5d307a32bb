/** Files as clients see them. */
import { ApiProperty } from '@nestjs/swagger';
import { IsString } from 'class-validator';
import { ProjectParam } from '../access/project.dto.js';
import type { FileEntry } from './workspace.js';

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
