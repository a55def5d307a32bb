/** Uploads and downloads as clients ask for them. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBooleanString, IsIn, IsOptional, IsString } from 'class-validator';
import { OfUserQuery } from '../access/project.dto.js';
import type { ArchiveFormat, PlacingMode } from './housekeeper/protocol.mts';

const FORMATS = ['tar.gz', 'zip'] as const satisfies ArchiveFormat[];
const MODES = ['merge', 'replace'] as const satisfies PlacingMode[];

class ArchiveQuery extends OfUserQuery {
  @ApiPropertyOptional({
    description: 'Directory in the workspace; default: all of it',
    example: 'packages/app',
  })
  @IsOptional()
  @IsString()
  path?: string;
}

export class UploadQuery extends ArchiveQuery {
  @ApiPropertyOptional({
    enum: MODES,
    default: 'merge',
    description:
      '`merge`: what is not in the upload stays. `replace`: the directory holds the upload and nothing else.',
  })
  @IsOptional()
  @IsIn(MODES)
  mode?: PlacingMode;
}

export class DownloadQuery extends ArchiveQuery {
  @ApiPropertyOptional({ enum: FORMATS, default: 'tar.gz' })
  @IsOptional()
  @IsIn(FORMATS)
  format?: ArchiveFormat;

  @ApiPropertyOptional({
    type: Boolean,
    default: false,
    description: 'Also `node_modules` and `.git`, which are left out otherwise',
  })
  @IsOptional()
  @IsBooleanString()
  everything?: string;
}

export class UploadedTree {
  @ApiProperty({ description: 'Files and hard links', example: 3 })
  files!: number;

  @ApiProperty({ description: 'Bytes of all files', example: 1234 })
  bytes!: number;
}
