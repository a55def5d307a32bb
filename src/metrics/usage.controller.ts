/** Tells callers what they used, and administrators what everybody did. */
import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CallerOf } from '../access/caller.decorator.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { UsageQuery, UsageReport } from './usage.dto.js';
import { UsageLog } from './usage-log.js';

@ApiTags('usage')
@ApiBearerAuth()
@Controller('usage')
export class UsageController {
  constructor(private readonly usage: UsageLog) {}

  @Get()
  @Scopes('read', 'admin')
  @ApiOperation({ summary: 'Requests, tokens and cost; own, admin: everybody’s' })
  @ApiOkResponse({ type: UsageReport })
  async read(
    @Query() { from, to, groupBy }: UsageQuery,
    @CallerOf() { principal }: Caller,
  ): Promise<UsageReport> {
    const filter = { from, to, userId: principal.scopes.includes('admin') ? undefined : principal.userId };
    const [items, [total]] = await Promise.all([this.usage.sum(groupBy, filter), this.usage.sum([], filter)]);
    if (total === undefined) throw new Error('a sum without groups has one row');
    return { items, total };
  }
}
