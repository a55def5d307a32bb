/** Engines as clients see them. */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { EngineCapabilities } from '../agent-engine.js';

export class CapabilitiesView implements EngineCapabilities {
  @ApiProperty({ description: 'Runs programs of the workspace: builds, tests, git' })
  runsPrograms!: boolean;

  @ApiProperty({ description: 'Gets to the hosts that were granted to a project' })
  reachesHosts!: boolean;

  @ApiProperty({ description: 'Has places that wait for their task, where POOL_SIZE allows it' })
  keepsWarm!: boolean;
}

export class EngineView {
  @ApiProperty({ example: 'claude-code', description: 'As in `options.engine`' })
  name!: string;

  @ApiPropertyOptional({ example: '2.1.330', description: 'Absent when only running it could tell' })
  version?: string;

  @ApiProperty()
  healthy!: boolean;

  @ApiPropertyOptional({ description: 'Why it is not healthy' })
  reason?: string;

  @ApiProperty({ type: CapabilitiesView })
  capabilities!: CapabilitiesView;

  @ApiProperty({ type: [String], description: 'Its tools, by the names in `agent.tool_use`' })
  tools!: string[];

  @ApiProperty({ type: [String], description: 'What `options.model` may name with it' })
  models!: string[];

  @ApiProperty({ description: 'Carries out what names no engine (ENGINE_DEFAULT)' })
  default!: boolean;

  @ApiProperty({ type: [String], description: 'The commands that are its own by ENGINE_BY_COMMAND' })
  commands!: string[];
}

export class EngineList {
  @ApiProperty({ type: [EngineView] })
  items!: EngineView[];
}
