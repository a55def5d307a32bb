/** Tasks that the model carries out by one answer: what it is asked, and what is done with what it said. */
import { Injectable } from '@nestjs/common';
import type Anthropic from '@anthropic-ai/sdk';
import { Config } from '../../config/config.js';
import { CHARS_PER_TOKEN } from '../../model-gateway/chars-per-token.js';
import { Redactor } from '../../redaction/redactor.js';
import type { Workspace } from '../../workspaces/workspace.js';
import type { AgentOrder, AgentPlace } from '../agent-engine.js';
import type { AgentTask } from '../agent-task.js';
import { contextOf } from './context.js';
import { Dialogue } from './dialogue.js';
import { type GivenAnswer, givenModel, GivenRoute } from './given-answer.js';
import { MessagesPlace } from './messages-place.js';
import { codingPrompt, SINGLE_ANSWER } from './prompts.js';
import { singleTools, STRUCTURED_OUTPUT } from './tools.js';
import { Workbenches } from './workbenches.js';
import type { Survey } from './workbench/protocol.mts';

export type SingleRequest = Anthropic.MessageCreateParamsNonStreaming;

/** What nobody looks at again: the model was shown the workspace when it was asked. */
const UNSEEN: Survey = { entries: 0, bytes: 0, whole: true, map: '', files: [] };

@Injectable()
export class SingleAnswers {
  private readonly redactor: Redactor;

  constructor(
    private readonly workbenches: Workbenches,
    private readonly config: Config,
  ) {
    this.redactor = new Redactor(config.secrets);
  }

  /**
   * Makes requests of tasks in one workspace, one after the other, as long as `work` lasts.
   * @param work given what makes one; that throws ClaudeCodeError E012, E015
   */
  async asking<T>(
    workspace: Workspace,
    work: (requestOf: (task: AgentTask) => Promise<SingleRequest>) => Promise<T>,
  ): Promise<T> {
    const { values } = this.config;
    const workbench = await this.workbenches.open({ workspace, access: 'read-only' });
    try {
      return await work(async (task) => {
        const survey = await workbench.survey({
          directory: task.workingDirectory,
          files: task.files,
          mapChars: values.MESSAGES_MAP_TOKENS * CHARS_PER_TOKEN,
          filesChars: values.ECONOMY_FILES_TOKENS * CHARS_PER_TOKEN,
          // Whoever judges code without a tool has to see it.
          fill: task.access === 'read-only',
        });
        return requestOf(task, survey, values.ECONOMY_OUTPUT_TOKENS);
      });
    } finally {
      await workbench.end();
    }
  }

  /** A place in which the model has answered already. @throws ClaudeCodeError E012 */
  async carryOut({ task, workspace }: AgentOrder, given: GivenAnswer): Promise<AgentPlace> {
    const { values } = this.config;
    const workbench = await this.workbenches.open({ workspace, access: task.access });
    return new MessagesPlace({
      ...{ task, workbench, redactor: this.redactor },
      terms: {
        maxTurns: 1,
        mayHandOver: false,
        isSingle: true,
        outputTokens: values.ECONOMY_OUTPUT_TOKENS,
        contextTokens: Number.POSITIVE_INFINITY,
        toolOutputChars: values.MESSAGES_TOOL_OUTPUT_CHARS,
        conversationMaxBytes: values.CONVERSATION_MAX_BYTES,
      },
      route: new GivenRoute(given),
      model: givenModel(given),
      dialogue: new Dialogue(),
      survey: Promise.resolve(UNSEEN),
    });
  }
}

/** Nothing of it is marked for the prompt cache: writing costs more, and the next one may be asked hours later. */
function requestOf(task: AgentTask, survey: Survey, outputTokens: number): SingleRequest {
  const context = contextOf(survey, true, task.files.length > 0);
  return {
    model: task.model,
    max_tokens: outputTokens,
    system: [codingPrompt(task.command), SINGLE_ANSWER, task.systemPrompt].map((text) => ({
      type: 'text',
      text,
    })),
    tools: singleTools(task),
    messages: [{ role: 'user', content: [context, task.prompt].map((text) => ({ type: 'text', text })) }],
    ...(task.outputSchema === undefined
      ? {}
      : { tool_choice: { type: 'tool' as const, name: STRUCTURED_OUTPUT } }),
  };
}
