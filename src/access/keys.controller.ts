/** Administration of the API keys. */
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ID } from './id.pipe.js';
import { ApiKeys } from './api-keys.js';
import { CreatedKeyView, CreateKeyRequest, KeyPage } from './key.dto.js';
import { PageQuery } from './page.js';
import { Scopes } from './scopes.decorator.js';

@ApiTags('keys')
@ApiBearerAuth()
@Controller('keys')
@Scopes('admin')
export class KeysController {
  constructor(private readonly keys: ApiKeys) {}

  @Post()
  @ApiOperation({ summary: 'Make a key; its secret is shown this once' })
  @ApiCreatedResponse({ type: CreatedKeyView })
  create(@Body() request: CreateKeyRequest): Promise<CreatedKeyView> {
    return this.keys.create(request);
  }

  @Get()
  @ApiOperation({ summary: 'All keys, newest first, without their secrets' })
  @ApiOkResponse({ type: KeyPage })
  list(@Query() query: PageQuery): Promise<KeyPage> {
    return this.keys.list(query);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a key; it stops working at once' })
  @ApiNoContentResponse({ description: 'Revoked, now or before' })
  @ApiNotFoundResponse({ description: 'E009: no such key' })
  @ApiConflictResponse({ description: 'E010: the last key with the scope admin' })
  revoke(@Param('id', ID) id: string): Promise<void> {
    return this.keys.revoke(id);
  }
}
