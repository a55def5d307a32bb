/** Everything that decides an answer but the files, as one name: equal names may be given the same answer. */
import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import stringify from 'safe-stable-stringify';
import type { AgentTask } from '../agents/agent-task.js';
import { AgentEngines } from '../agents/engines/agent-engines.js';
import type { ClaudeCodeRequest } from '../commands/claude-code-request.js';
import type { OptionName } from '../commands/command.js';
import { CommandCompiler } from '../commands/command-compiler.js';
import { CommandRegistry } from '../commands/command-registry.js';
import { Config } from '../config/config.js';
import type { SettingName } from '../config/settings.js';
import { EgressGateway } from '../egress/egress-gateway.js';

export interface Asked {
  userId: string;
  projectId: string;
  request: ClaudeCodeRequest;
}

export interface Question {
  /** SHA-256, hex. */
  name: string;
  mode: 'auto' | 'refresh';
  /** What its agent does to the workspace; a dry run reads it and works on a copy. */
  kind: 'reads' | 'dry-run' | 'writes';
}

/** Options whose part in an answer is understood. A request with any other one, of whatever later version, is not kept. */
const UNDERSTOOD: ReadonlySet<string> = new Set<OptionName>([
  ...(['cache', 'streaming', 'format', 'timeout', 'maxTokens', 'engine', 'model'] as const),
  ...(['depth', 'includeTests', 'backup', 'dryRun', 'severity', 'fix'] as const),
]);

/** Settings that an agent, or who asks it, can tell the value of; turns and time are part of the task. */
const DECIDING = [
  ...(['ANTHROPIC_BASE_URL', 'CHANGE_CONTENT_MAX_BYTES', 'SNAPSHOT_FILE_MAX_BYTES'] as const),
  ...(['SANDBOX_TMP_BYTES', 'SANDBOX_MEMORY_BYTES', 'SANDBOX_PROCESSES', 'SANDBOX_CPUS'] as const),
  ...(['SANDBOX_OPEN_FILES', 'SANDBOX_FILE_BYTES', 'SANDBOX_WORKSPACE_BYTES'] as const),
  ...(['SANDBOX_WORKSPACE_ENTRIES', 'SANDBOX_IDLE_TIMEOUT'] as const),
] as const satisfies SettingName[];

@Injectable()
export class Questions {
  private readonly logger = new Logger('Cache');
  /** Settings are read once. */
  private readonly server: object;

  constructor(
    private readonly compiler: CommandCompiler,
    private readonly commands: CommandRegistry,
    private readonly engines: AgentEngines,
    private readonly egress: EgressGateway,
    private readonly config: Config,
  ) {
    const settings = DECIDING.map((name) => [name, config.values[name]]);
    this.server = { rehearsal: config.rehearsal, settings };
  }

  /**
   * Undefined when the answer is neither to be kept nor to be given again: `options.cache`, no room (CACHE_MAX_BYTES), an
   * option that is not understood, hosts that the agent may reach, or anything that could not be found out. Never throws.
   */
  async of(asked: Asked): Promise<Question | undefined> {
    try {
      return await this.find(asked);
    } catch (error) {
      this.logger.warn({ msg: 'not known what was asked; it runs without the cache', err: error });
      return undefined;
    }
  }

  private async find({ userId, projectId, request }: Asked): Promise<Question | undefined> {
    const options = request.options ?? {};
    if (this.config.values.CACHE_MAX_BYTES === 0 || options.cache === 'off') return undefined;
    const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== null);
    if (!given.every(([name]) => UNDERSTOOD.has(name))) return undefined;
    const task = this.compiler.compile(request);
    const kind = kindOf(task, request);
    // It would be a name for what the workspace holds anyway.
    if (kind === 'dry-run' && options.backup === true) return undefined;
    const mode = options.cache ?? (kind === 'writes' ? 'off' : 'auto');
    if (mode === 'off') return undefined;
    // What is outside can change without anybody here knowing.
    if ((await this.egress.grantsOf(userId, projectId)).length > 0) return undefined;
    const { action, context } = request;
    const decisive = {
      // Kept contents are the workspace's own: nobody else could have the changes.
      whose: kind !== 'reads' ? { userId, projectId } : this.isShared ? { projectId } : { userId },
      command: { action, version: this.commands.get(action).version },
      task,
      context,
      // The engine is named with its version, whoever chose it.
      options: given.filter(([name]) => !['cache', 'streaming', 'engine'].includes(name)),
      engine: { name: task.engine, version: this.engines.get(task.engine).version() },
      server: this.server,
    };
    // Options in any order are the same.
    decisive.options.sort(([one], [other]) => (one < other ? -1 : 1));
    return { name: createHash('sha256').update(stringify(decisive)).digest('hex'), mode, kind };
  }

  private get isShared(): boolean {
    return this.config.values.CACHE_SCOPE === 'project';
  }
}

const kindOf = ({ access }: AgentTask, { options }: ClaudeCodeRequest): Question['kind'] =>
  access === 'read-only' ? 'reads' : options?.dryRun === true ? 'dry-run' : 'writes';
