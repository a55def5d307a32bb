/** The engines of the agents that are configured in ACP_AGENTS. */
import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { ModelGateway } from '../../model-gateway/model-gateway.js';
import { Sandboxes } from '../../sandbox/sandbox.js';
import { AcpEngine } from './acp.engine.js';

@Injectable()
export class AcpAgents {
  readonly engines: readonly AcpEngine[];

  constructor(sandboxes: Sandboxes, gateway: ModelGateway, config: Config) {
    const parts = { sandboxes, gateway, config };
    this.engines = [...config.values.ACP_AGENTS].map(([name, agent]) => new AcpEngine(name, agent, parts));
  }
}
