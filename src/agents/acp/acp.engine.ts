/** An agent that speaks the Agent Client Protocol, in a sandbox of its own: one engine for each that is configured. */
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { type AcpAgent, engineName, type Provider } from '../../config/acp-agents.js';
import type { Config } from '../../config/config.js';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { ModelGateway } from '../../model-gateway/model-gateway.js';
import { Redactor } from '../../redaction/redactor.js';
import { isReachable, reachableProgram } from '../../sandbox/reachable.js';
import type { Sandboxes } from '../../sandbox/sandbox.js';
import { AgentEngine, type AgentOrder, type AgentPlace } from '../agent-engine.js';
import { Conversation } from './conversation.js';

/** Where an agent's directory is in its sandbox, and this Node, which is the first on its PATH. */
const AGENT_IN_SANDBOX = '/opt/acp';
const NODE_IN_SANDBOX = '/opt/agent/node';
const MODEL_IN_SANDBOX = 'http://127.0.0.1:3128';
/** Seconds: an operator has to mend it. */
const RETRY_AFTER = 60;

export interface AcpParts {
  sandboxes: Sandboxes;
  gateway: ModelGateway;
  config: Config;
}

export class AcpEngine extends AgentEngine {
  readonly name: string;
  readonly capabilities = { runsPrograms: true, reachesHosts: true, keepsWarm: false };
  readonly tools = ['Read', 'Search', 'Edit', 'Delete', 'Move', 'Bash', 'Think'];
  private readonly redactor: Redactor;
  /** Its version, as it told it last. */
  private told?: string;

  constructor(
    agentName: string,
    private readonly agent: AcpAgent,
    private readonly parts: AcpParts,
  ) {
    super();
    this.name = engineName(agentName);
    this.redactor = new Redactor(parts.config.secrets);
  }

  get models(): readonly string[] {
    return this.agent.models;
  }

  version(): string {
    const { directory } = this.agent;
    const found = directory === undefined ? undefined : statSync(directory, { throwIfNoEntry: false });
    return [JSON.stringify(this.agent), found?.mtimeMs, found?.ino].join(' ');
  }

  release(): string | undefined {
    return this.told;
  }

  trouble(): string | undefined {
    const { directory, provider } = this.agent;
    const { config } = this.parts;
    if (config.serviceOf(provider).key === undefined && !config.rehearsal)
      return `There is no key of its provider (${provider}).`;
    return directory === undefined || existsSync(directory)
      ? undefined
      : 'Its directory (ACP_AGENTS) is not there.';
  }

  async take({ task, workspace, egress, conversation: before }: AgentOrder): Promise<AgentPlace> {
    const { sandboxes, gateway, config } = this.parts;
    const trouble = this.trouble();
    if (trouble !== undefined) throw new ClaudeCodeError('E012', trouble, { retryAfter: RETRY_AFTER });
    const { uid } = workspace;
    const { directory, command, provider, env, mode } = this.agent;
    if (directory !== undefined && !(await isReachable(directory, uid)))
      throw new ClaudeCodeError('E012', 'The directory of the agent may not be entered by others.', {
        details: { mend: 'chmod o+x on it and on what is above it' },
        retryAfter: RETRY_AFTER,
      });
    // The protocol's SDK is loaded by those only who have an agent at work.
    const { AcpPlace } = await import('./acp-place.js');
    const conversation = new Conversation(task.prompt, before);
    const node = await reachableProgram(process.execPath, uid, config.dataDirectory);
    const filled = (text: string) => text.replaceAll('{model}', task.model);
    const [program, ...rest] = command;
    const route = await gateway.open({ uid, provider, models: this.models, maxTurns: task.limits.maxTurns });
    try {
      const sandbox = await sandboxes.start({
        workspace,
        access: task.access,
        argv: [filled(program), ...rest.map(filled)],
        workingDirectory: task.workingDirectory,
        env: {
          ...environmentFor(provider, task.model),
          ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, filled(value)])),
        },
        modelSocket: route.socketPath,
        egressSocket: egress?.socketPath,
        readOnly: [
          { source: node, target: NODE_IN_SANDBOX },
          ...(directory === undefined ? [] : [{ source: directory, target: AGENT_IN_SANDBOX }]),
        ],
      });
      const { values } = config;
      return new AcpPlace({
        ...{ task, route, sandbox, mode, conversation },
        output: {
          lineBytes: values.OUTPUT_LINE_MAX_BYTES,
          totalBytes: values.OUTPUT_MAX_BYTES,
          idleMs: values.SANDBOX_IDLE_TIMEOUT * 1000,
        },
        keep: { maxBytes: values.CONVERSATION_MAX_BYTES, redactor: this.redactor },
        onVersion: (version) => (this.told = version),
      });
    } catch (error) {
      await route.close();
      throw error;
    }
  }
}

/** What the SDKs of the providers read: where the model is, and a placeholder for the key, which the gateway puts in. */
function environmentFor(provider: Provider, model: string): Record<string, string> {
  const key = `sk-sandbox-${randomBytes(12).toString('hex')}`;
  switch (provider) {
    case 'anthropic':
      return { ANTHROPIC_BASE_URL: MODEL_IN_SANDBOX, ANTHROPIC_API_KEY: key, ANTHROPIC_MODEL: model };
    case 'openai':
      return { OPENAI_BASE_URL: `${MODEL_IN_SANDBOX}/v1`, OPENAI_API_KEY: key, OPENAI_MODEL: model };
    case 'gemini':
      return { GOOGLE_GEMINI_BASE_URL: MODEL_IN_SANDBOX, GEMINI_API_KEY: key, GEMINI_MODEL: model };
  }
}
