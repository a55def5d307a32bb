/** Tells user interfaces what can be asked. */
import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Scopes } from '../access/scopes.decorator.js';
import { CommandCatalogue, describeCommands } from './command-catalogue.js';
import { CommandRegistry } from './command-registry.js';

@ApiTags('commands')
@Controller('commands')
export class CommandsController {
  constructor(private readonly registry: CommandRegistry) {}

  @Get()
  @Scopes('read')
  @ApiOperation({ summary: 'The commands with their options' })
  @ApiOkResponse({ type: CommandCatalogue })
  list(): CommandCatalogue {
    return { items: describeCommands(this.registry.all) };
  }
}
