/** The Messages API, asked directly: no CLI, no shell; file tools in a sandbox, for what needs no more. */
import { Injectable } from '@nestjs/common';
import { VERSION as SDK_VERSION } from '@anthropic-ai/sdk/version';
import { Config } from '../../config/config.js';
import { CHARS_PER_TOKEN } from '../../model-gateway/chars-per-token.js';
import { ModelGateway } from '../../model-gateway/model-gateway.js';
import { Redactor } from '../../redaction/redactor.js';
import { VERSION } from '../../version.js';
import { AgentEngine, type AgentOrder } from '../agent-engine.js';
import { Dialogue } from './dialogue.js';
import { MessagesPlace, type Terms } from './messages-place.js';
import { modelClient } from './model-client.js';
import { FILE_TOOL_NAMES } from './tools.js';
import { Workbenches } from './workbenches.js';

@Injectable()
export class MessagesEngine extends AgentEngine {
  readonly name = 'messages';
  readonly capabilities = { runsPrograms: false, reachesHosts: false, keepsWarm: false };
  readonly tools = FILE_TOOL_NAMES;
  private readonly redactor: Redactor;

  constructor(
    private readonly workbenches: Workbenches,
    private readonly gateway: ModelGateway,
    private readonly config: Config,
  ) {
    super();
    this.redactor = new Redactor(config.secrets);
  }

  get models(): readonly string[] {
    return this.config.values.CLAUDE_CODE_MODELS;
  }

  /** With the settings that its answers depend on. */
  version(): string {
    const { values } = this.config;
    const { MESSAGES_MAP_TOKENS, MESSAGES_FILES_TOKENS, MESSAGES_CONTEXT_TOKENS } = values;
    const { MESSAGES_OUTPUT_TOKENS, MESSAGES_TOOL_OUTPUT_CHARS, MESSAGES_TOOL_TIMEOUT_MS } = values;
    return [
      ...[VERSION, SDK_VERSION, MESSAGES_MAP_TOKENS, MESSAGES_FILES_TOKENS, MESSAGES_CONTEXT_TOKENS],
      ...[MESSAGES_OUTPUT_TOKENS, MESSAGES_TOOL_OUTPUT_CHARS, MESSAGES_TOOL_TIMEOUT_MS],
    ].join(' ');
  }

  release(): string {
    return SDK_VERSION;
  }

  /** What it needs is the model gateway and the sandbox, which everything else needs as well. */
  trouble(): string | undefined {
    return undefined;
  }

  take(order: AgentOrder): Promise<MessagesPlace> {
    return this.attempt(order, { maxTurns: order.task.limits.maxTurns, mayHandOver: false });
  }

  /**
   * As `take`, on the terms of whoever has a stronger engine at hand.
   * @throws ClaudeCodeError E012, E010 when the conversation is another engine's
   */
  async attempt(
    { task, workspace, conversation }: AgentOrder,
    { maxTurns, mayHandOver }: Pick<Terms, 'maxTurns' | 'mayHandOver'>,
  ): Promise<MessagesPlace> {
    const { values } = this.config;
    const dialogue = new Dialogue(conversation);
    const workbench = await this.workbenches.open({ workspace, access: task.access });
    // The server's own socket: the way to the model does not lead through the sandbox, which has none at all.
    const route = await this.gateway.open({}).catch(async (error: unknown) => {
      await workbench.end();
      throw error;
    });
    try {
      const [model] = await Promise.all([modelClient(route.socketPath), workbench.ready()]);
      // Looked over meanwhile, while the start is recorded.
      const survey = workbench.survey({
        directory: task.workingDirectory,
        files: task.files,
        mapChars: values.MESSAGES_MAP_TOKENS * CHARS_PER_TOKEN,
        filesChars: values.MESSAGES_FILES_TOKENS * CHARS_PER_TOKEN,
      });
      survey.catch(() => undefined); // told to whoever asks for it
      return new MessagesPlace({
        ...{ task, route, model, workbench, dialogue, redactor: this.redactor },
        terms: {
          maxTurns,
          mayHandOver,
          isSingle: false,
          outputTokens: values.MESSAGES_OUTPUT_TOKENS,
          contextTokens: values.MESSAGES_CONTEXT_TOKENS,
          toolOutputChars: values.MESSAGES_TOOL_OUTPUT_CHARS,
          conversationMaxBytes: values.CONVERSATION_MAX_BYTES,
        },
        survey,
      });
    } catch (error) {
      await workbench.end();
      await route.close();
      throw error;
    }
  }
}
