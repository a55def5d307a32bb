/** Tells which engines there are, what each can do, and whether it is well. */
import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Scopes } from '../../access/scopes.decorator.js';
import { Config } from '../../config/config.js';
import { Sandboxes } from '../../sandbox/sandbox.js';
import type { AgentEngine } from '../agent-engine.js';
import { AgentEngines } from './agent-engines.js';
import { EngineList, EngineView } from './engine.dto.js';

@ApiTags('engines')
@ApiBearerAuth()
@Controller('engines')
export class EnginesController {
  constructor(
    private readonly engines: AgentEngines,
    private readonly sandboxes: Sandboxes,
    private readonly config: Config,
  ) {}

  @Get()
  @Scopes('read')
  @ApiOperation({ summary: 'The engines: what each can do, and whether it is well' })
  @ApiOkResponse({ type: EngineList })
  list(): EngineList {
    return { items: this.engines.all.map((engine) => this.viewOf(engine)) };
  }

  private viewOf(engine: AgentEngine): EngineView {
    const { name, capabilities, tools, models } = engine;
    const { ENGINE_DEFAULT, ENGINE_BY_COMMAND } = this.config.values;
    const reason = this.noSandbox() ?? engine.trouble();
    return {
      name,
      version: engine.release(),
      healthy: reason === undefined,
      reason,
      capabilities: { ...capabilities },
      tools: [...tools],
      models: [...models],
      default: name === ENGINE_DEFAULT,
      commands: [...ENGINE_BY_COMMAND].flatMap(([command, of]) => (of === name ? [command] : [])),
    };
  }

  /** None works without: files are touched in sandboxes only. */
  private noSandbox(): string | undefined {
    return this.sandboxes.report?.ok === false
      ? 'No sandbox can be had here; /health/ready says why.'
      : undefined;
  }
}
