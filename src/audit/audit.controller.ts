/** Shows callers what the audit holds about them, and administrators all of it. */
import { Controller, Get, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { CallerOf } from '../access/caller.decorator.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { AuditPage, AuditQuery, VerificationView } from './audit.dto.js';
import { AuditLog } from './audit-log.js';

@ApiTags('audit')
@ApiBearerAuth()
@ApiExtraModels(AuditPage, VerificationView)
@Controller('audit')
export class AuditController {
  constructor(private readonly log: AuditLog) {}

  @Get()
  @Scopes('read', 'admin')
  @ApiOperation({
    summary: 'Own entries, newest first; admin: all. With ?verify=true (admin): checks the chain',
  })
  @ApiOkResponse({
    schema: { oneOf: [{ $ref: getSchemaPath(AuditPage) }, { $ref: getSchemaPath(VerificationView) }] },
  })
  async read(@Query() query: AuditQuery, @CallerOf() caller: Caller): Promise<AuditPage | VerificationView> {
    const { userId, scopes } = caller.principal;
    const admin = scopes.includes('admin');
    if (query.verify !== 'true') return this.log.list(query, admin ? undefined : userId);
    if (!admin) throw new ClaudeCodeError('E008', 'Checking the chain needs the scope admin.');
    return this.log.verify();
  }
}
