/** The audit as clients see it. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Matches, Min } from 'class-validator';
import { type Page, PageQuery } from '../access/page.js';
import { ERROR_CATALOGUE, type ErrorCode } from '../errors/catalogue.js';
import { AUDIT_TYPES, type AuditEntry, type AuditType } from './audit-entry.js';
import type { Verification } from './audit-log.js';

export class AuditQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'Id of the last entry of the page before' })
  @IsOptional()
  @Matches(/^\d{1,15}$/)
  override cursor?: string = undefined;

  @ApiPropertyOptional({ description: 'Epoch milliseconds: entries of then or later' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  from?: number;

  @ApiPropertyOptional({ description: 'Epoch milliseconds: entries before then' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  to?: number;

  @ApiPropertyOptional({
    enum: ['true', 'false'],
    description: 'admin: check the chain instead of listing it',
  })
  @IsOptional()
  @IsIn(['true', 'false'])
  verify?: 'true' | 'false';
}

export class AuditEntryView implements AuditEntry {
  @ApiProperty({ description: '1, 2, 3 … without holes' })
  id!: number;

  @ApiProperty({ description: 'Epoch milliseconds' })
  at!: number;

  @ApiProperty({ description: 'SHA-256 over the hash before and this entry, hex' })
  hash!: string;

  @ApiProperty({ enum: AUDIT_TYPES })
  type!: AuditType;

  @ApiProperty()
  requestId!: string;

  @ApiProperty({ example: 'generate' })
  action!: string;

  @ApiPropertyOptional()
  keyId?: string;

  @ApiPropertyOptional({ description: 'Whose key it is' })
  principalId?: string;

  @ApiPropertyOptional({ description: 'The user it was for' })
  userId?: string;

  @ApiPropertyOptional()
  executionId?: string;

  @ApiPropertyOptional()
  batchId?: string;

  @ApiPropertyOptional({ description: 'The execution whose conversation it goes on in' })
  continues?: string;

  @ApiPropertyOptional()
  projectId?: string;

  @ApiPropertyOptional()
  promptLength?: number;

  @ApiPropertyOptional({ description: 'Hex' })
  promptSha256?: string;

  @ApiPropertyOptional()
  success?: boolean;

  @ApiPropertyOptional({ description: 'Milliseconds' })
  duration?: number;

  @ApiPropertyOptional()
  tokensUsed?: number;

  @ApiPropertyOptional({ enum: Object.keys(ERROR_CATALOGUE) })
  errorCode?: ErrorCode;

  @ApiPropertyOptional()
  remoteAddress?: string;

  @ApiPropertyOptional({ description: 'Of egress.connection: the address that was connected to' })
  dialledAddress?: string;

  @ApiPropertyOptional({ description: 'Of egress.connection: `opened`, or why it was refused' })
  outcome?: string;
}

export class AuditPage implements Page<AuditEntryView> {
  @ApiProperty({ type: [AuditEntryView] })
  items!: AuditEntryView[];

  @ApiPropertyOptional({ description: 'Missing on the last page' })
  nextCursor?: string;
}

class ChainHead {
  @ApiProperty()
  id!: number;

  @ApiProperty()
  hash!: string;
}

export class VerificationView implements Verification {
  @ApiProperty()
  valid!: boolean;

  @ApiProperty({ description: 'Entries that were found in order' })
  entries!: number;

  @ApiPropertyOptional({ description: 'Id of the first entry that was changed, moved or removed' })
  brokenAt?: number;

  @ApiProperty({ description: 'The last entry: note it elsewhere to prove later what was there' })
  head!: ChainHead;
}
