/** The engines that are configured, by name. */
import { Inject, Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import { AgentEngine } from '../agent-engine.js';

/** Injection token of the list of all of them. */
export const ENGINES = Symbol('ENGINES');

/** Seconds: an operator has to configure it again. */
const RETRY_AFTER = 60;

@Injectable()
export class AgentEngines {
  private readonly byName: ReadonlyMap<string, AgentEngine>;

  constructor(
    @Inject(ENGINES) readonly all: readonly AgentEngine[],
    private readonly config: Config,
  ) {
    this.byName = new Map(all.map((engine) => [engine.name, engine]));
  }

  get names(): string[] {
    return [...this.byName.keys()];
  }

  find(name: string): AgentEngine | undefined {
    return this.byName.get(name);
  }

  /** @throws ClaudeCodeError E012 when it is not configured, or not any more */
  get(name: string): AgentEngine {
    const engine = this.find(name);
    if (engine === undefined)
      throw new ClaudeCodeError('E012', `The engine ${name} is not configured here (ENGINES).`, {
        retryAfter: RETRY_AFTER,
      });
    return engine;
  }

  /** The engine of a command whose request names none. */
  defaultFor(command: string): string {
    const { ENGINE_DEFAULT, ENGINE_BY_COMMAND } = this.config.values;
    return ENGINE_BY_COMMAND.get(command) ?? ENGINE_DEFAULT;
  }

  /** The model of a command whose request names none; of an engine that does not know that one, its own first. */
  defaultModelFor(command: string, { models }: Pick<AgentEngine, 'models'>): string {
    const { CLAUDE_CODE_MODEL, MODEL_BY_COMMAND } = this.config.values;
    const model = MODEL_BY_COMMAND.get(command) ?? CLAUDE_CODE_MODEL;
    return models.includes(model) ? model : (models[0] ?? model);
  }
}
