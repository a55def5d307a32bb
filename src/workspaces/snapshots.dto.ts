/** Snapshots as clients see them, and what a change of the workspace's content is answered with. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsUUID, Max, Min } from 'class-validator';
import { OfUserQuery } from '../access/project.dto.js';
import { type LoggedSnapshot, SNAPSHOT_KINDS, type SnapshotKind } from './snapshot-log.js';
import type { FileChange, Transition } from './workspace.js';

export class SnapshotView implements LoggedSnapshot {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({
    description: 'Name of the content: the same for the same files, links, directories and modes',
  })
  tree!: string;

  @ApiProperty({
    enum: SNAPSHOT_KINDS,
    description:
      'Before or after an execution, before one with `backup`, what a dry run would have left, or before a restore',
  })
  kind!: SnapshotKind;

  @ApiPropertyOptional({ format: 'uuid' })
  executionId?: string;

  @ApiProperty({ description: 'How many files' })
  files!: number;

  @ApiProperty({ description: 'Bytes of all files' })
  bytes!: number;

  @ApiProperty({ description: 'Epoch milliseconds' })
  createdAt!: number;
}

export class SnapshotList {
  @ApiProperty({ type: [SnapshotView] })
  items!: SnapshotView[];

  @ApiPropertyOptional({ description: 'Give it as `cursor` for the next page; absent on the last' })
  nextCursor?: string;
}

export class SnapshotListQuery extends OfUserQuery {
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

export class RestoreRequest {
  @ApiProperty({ format: 'uuid', description: '`id` of one of the project’s snapshots' })
  @IsUUID()
  snapshot!: string;
}

export class ChangedFile implements FileChange {
  @ApiProperty({ example: 'src/hello.ts' })
  path!: string;

  @ApiProperty({ enum: ['created', 'modified', 'deleted'] })
  action!: FileChange['action'];

  @ApiProperty({ description: 'Bytes; 0 when deleted' })
  size!: number;
}

export class ChangedDirectory {
  @ApiProperty({ example: 'src' })
  path!: string;

  @ApiProperty({ enum: ['created', 'modified', 'deleted'] })
  action!: FileChange['action'];
}

export class TransitionView implements Transition {
  @ApiProperty({ type: [ChangedFile], description: 'What this call did' })
  files!: ChangedFile[];

  @ApiPropertyOptional({ type: [ChangedDirectory] })
  directories?: ChangedDirectory[];

  @ApiProperty({
    type: [String],
    description: 'Directories that stay because they hold more: node_modules, .git, or what came since',
  })
  stayed!: string[];
}

export class RestoredView extends TransitionView {
  @ApiProperty({ format: 'uuid', description: 'Snapshot of the state before: restore it to take this back' })
  previous!: string;
}
