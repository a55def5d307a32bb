/** One task over the Messages API: the model is asked, its tools run in the workbench, until it has answered. */
import type { ModelRoute } from '../../model-gateway/model-gateway.js';
import type { Redactor } from '../../redaction/redactor.js';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { AgentEvent, AgentOutcome, AgentPlace, AgentRun } from '../agent-engine.js';
import type { AgentTask } from '../agent-task.js';
import { type Answer, readAnswer } from './answer.js';
import { contextOf } from './context.js';
import type { Dialogue, Said, ToolResult } from './dialogue.js';
import { HandedOver } from './handed-over.js';
import type { ModelClient } from './model-client.js';
import { codingPrompt } from './prompts.js';
import { shapeProblem } from '../shape.js';
import { allowedTools, HAND_OVER, isFileTool, offeredTools, STRUCTURED_OUTPUT } from './tools.js';
import type { Workbench } from './workbench.js';
import type { Survey } from './workbench/protocol.mts';

/** An answer that broke off is asked for again so often, as Claude Code does: the gateway itself retries all the rest. */
const CUT_RETRIES = 2;
/** Times that a model which forgets the form of its answer is reminded. */
const REMINDERS = 2;
const REMINDER = `Give your final answer with the tool ${STRUCTURED_OUTPUT} now.`;
const GO_ON = 'Your answer was cut at its largest length. Go on exactly where it stopped.';
/** Said of a tool call whose input cannot be used. */
const BROKEN =
  'Error: the input of this call was cut, or is no plain JSON object. Make it smaller, in several calls.';

type Call = Extract<Said, { type: 'tool_use' }>;

/** What the settings, and whoever takes the place, allow. */
export interface Terms {
  /** Model turns. */
  maxTurns: number;
  /** Tokens of one answer, and of a whole request above which old tool results are left out. */
  outputTokens: number;
  contextTokens: number;
  /** Characters of a tool's output. */
  toolOutputChars: number;
  /** The model may give the task to a stronger engine, and does when its turns are used up. */
  mayHandOver: boolean;
  /** The model answers once and is told nothing more: its answer is carried out, and that is all. */
  isSingle: boolean;
  conversationMaxBytes: number;
}

export interface PlaceParts {
  task: AgentTask;
  terms: Terms;
  route: ModelRoute;
  model: ModelClient;
  workbench: Workbench;
  dialogue: Dialogue;
  /** The first look at the workspace. */
  survey: Promise<Survey>;
  redactor: Redactor;
}

export class MessagesPlace implements AgentPlace {
  private closing?: Promise<ClaudeCodeError | undefined>;
  private structured?: Record<string, unknown>;

  constructor(private readonly parts: PlaceParts) {}

  get route(): ModelRoute {
    return this.parts.route;
  }

  /** What is known of the workspace. @throws ClaudeCodeError E012, E015 */
  survey(): Promise<Survey> {
    return this.parts.survey;
  }

  async *run({ signal, mayAct }: AgentRun): AsyncGenerator<AgentEvent, AgentOutcome, void> {
    const stop = () => void this.end();
    signal.addEventListener('abort', stop);
    try {
      signal.throwIfAborted();
      const { dialogue, task, terms } = this.parts;
      // Whoever has answered already was shown it when he was asked.
      const context = terms.isSingle ? '' : contextOf(await this.survey(), dialogue.isNew);
      dialogue.hear(...(context === '' ? [] : [{ type: 'text' as const, text: context }]), {
        type: 'text',
        text: task.prompt,
      });
      const outcome = yield* this.converse({ signal, mayAct });
      const exceeded = await this.end();
      if (exceeded !== undefined) throw exceeded;
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      throw await this.explain(error);
    } finally {
      signal.removeEventListener('abort', stop);
      await this.end();
    }
  }

  /** The tools that were called, in their order. */
  deeds(): ReturnType<Dialogue['calls']> {
    return this.parts.dialogue.calls();
  }

  conversation(): Buffer | undefined {
    const { dialogue, terms, redactor } = this.parts;
    return dialogue.content(terms.conversationMaxBytes, redactor);
  }

  async close(): Promise<void> {
    await this.end();
  }

  private async *converse(run: AgentRun): AsyncGenerator<AgentEvent, AgentOutcome, void> {
    const { dialogue, task, terms } = this.parts;
    let text = '';
    let reminded = 0;
    for (let turn = 1; turn <= terms.maxTurns; turn += 1) {
      const answer = yield* this.ask(run.signal, reminded > 0);
      dialogue.say(answer.content);
      this.mustFit(answer);
      if (answer.promptTokens > terms.contextTokens) dialogue.shrink();
      const calls = answer.content.filter((block) => block.type === 'tool_use');
      text += answer.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
      if (terms.isSingle) mustBeWhole(answer);
      if (calls.length > 0) {
        yield* this.carryOut(calls, answer.broken, run);
        if (this.structured !== undefined) return { text, structured: this.structured, complete: true };
        if (terms.isSingle) return { text: this.mustHaveDone(text), complete: true };
        text = '';
      } else if (answer.stopReason === 'max_tokens') {
        dialogue.hear({ type: 'text', text: GO_ON });
      } else if (task.outputSchema === undefined) {
        return { text, complete: answer.stopReason === 'end_turn' };
      } else {
        if (terms.isSingle || reminded === REMINDERS) throw formless();
        reminded += 1;
        text = '';
        dialogue.hear({ type: 'text', text: REMINDER });
      }
    }
    if (terms.mayHandOver) throw new HandedOver(`it was not done after ${terms.maxTurns} turns`, undefined);
    throw new ClaudeCodeError(
      'E011',
      `The agent used up its ${terms.maxTurns} turns (CLAUDE_CODE_MAX_TURNS).`,
    );
  }

  /** @throws HandedOver or ClaudeCodeError E005 when the conversation has become too long for the model */
  private mustFit({ stopReason }: Answer): void {
    if (stopReason !== 'model_context_window_exceeded') return;
    if (this.parts.terms.mayHandOver) throw new HandedOver('it is too much for one conversation', undefined);
    throw new ClaudeCodeError('E005', 'The conversation is longer than the model can follow.');
  }

  /** @returns the text of an answer all of whose calls went well. @throws ClaudeCodeError E005: nobody can mend it */
  private mustHaveDone(text: string): string {
    if (this.parts.task.outputSchema !== undefined) throw formless();
    const failed = this.deeds().filter(({ isError }) => isError).length;
    if (failed > 0)
      throw new ClaudeCodeError('E005', `${failed} of the calls in the answer could not be carried out.`);
    return text;
  }

  /** @param mustAnswer whether the answer has to be given by its tool now */
  private async *ask(signal: AbortSignal, mustAnswer: boolean): AsyncGenerator<AgentEvent, Answer, void> {
    const { model, task, dialogue, terms } = this.parts;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const stream = await model.stream(
          {
            model: task.model,
            max_tokens: terms.outputTokens,
            system: [
              { type: 'text', text: codingPrompt(task.command) },
              { type: 'text', text: task.systemPrompt, cache_control: { type: 'ephemeral' } },
            ],
            tools: offeredTools(task, terms.mayHandOver),
            messages: dialogue.params(),
            ...(mustAnswer ? { tool_choice: { type: 'tool' as const, name: STRUCTURED_OUTPUT } } : {}),
          },
          signal,
        );
        return yield* readAnswer(stream);
      } catch (cause) {
        signal.throwIfAborted();
        if (attempt > CUT_RETRIES || hasStatus(cause)) throw new ServiceFailure(cause);
      }
    }
  }

  private async *carryOut(
    calls: readonly Call[],
    broken: ReadonlySet<string>,
    run: AgentRun,
  ): AsyncGenerator<AgentEvent, void, void> {
    for (const { id, name, input } of calls) yield { type: 'agent.tool_use', data: { id, name, input } };
    const results: ToolResult[] = [];
    for (const call of calls) {
      if (call.name === HAND_OVER && this.parts.terms.mayHandOver) {
        yield { type: 'agent.tool_result', data: { id: call.id, output: 'Handed over.', isError: false } };
        throw new HandedOver(said(call.input.reason), said(call.input.learned));
      }
      const { output, isError } = broken.has(call.id)
        ? { output: BROKEN, isError: true }
        : await this.use(call, run);
      yield { type: 'agent.tool_result', data: { id: call.id, output, isError } };
      // The API takes no empty result that is an error.
      results.push({ type: 'tool_result', tool_use_id: call.id, content: output || ' ', is_error: isError });
    }
    this.parts.dialogue.hear(...results);
  }

  private async use({ name, input }: Call, { signal, mayAct }: AgentRun) {
    const { task, terms, workbench } = this.parts;
    if (name === STRUCTURED_OUTPUT && task.outputSchema !== undefined)
      return this.take(input, task.outputSchema);
    if (!isFileTool(name) || !allowedTools(task).includes(name))
      return { output: `The tool ${name} is not available here.`, isError: true };
    await mayAct();
    signal.throwIfAborted();
    const { workingDirectory: directory } = task;
    return workbench.call({ tool: name, input, directory, outputChars: terms.toolOutputChars });
  }

  private take(input: Record<string, unknown>, schema: NonNullable<AgentTask['outputSchema']>) {
    const problem = shapeProblem(input, schema);
    if (problem !== undefined)
      return { output: `Error: the answer has another form:\n${problem}`, isError: true };
    this.structured = input;
    return { output: 'The answer was taken.', isError: false };
  }

  /** What really went wrong: a limit of the sandbox before what followed from it. */
  private async explain(error: unknown): Promise<unknown> {
    const exceeded = await this.end();
    if (exceeded !== undefined) return exceeded;
    return error instanceof ServiceFailure
      ? new ClaudeCodeError('E005', 'The model service did not answer the agent.', { cause: error.cause })
      : error;
  }

  private end(): Promise<ClaudeCodeError | undefined> {
    return (this.closing ??= this.leave());
  }

  private async leave(): Promise<ClaudeCodeError | undefined> {
    const { workbench, model, route } = this.parts;
    const exceeded = await workbench.end();
    await model.close();
    await route.close();
    return exceeded;
  }
}

const formless = () =>
  new ClaudeCodeError('E005', 'The agent gave no answer of the form that was asked for.');

/** Before anything of it is carried out: half of it would be a half-done edit. @throws ClaudeCodeError E011 */
function mustBeWhole({ stopReason }: Answer): void {
  if (stopReason === 'max_tokens')
    throw new ClaudeCodeError(
      'E011',
      'The answer is longer than its output tokens allow (options.maxTokens, ECONOMY_OUTPUT_TOKENS).',
    );
}

const said = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Whatever the SDK threw: no answer, or none that is one. */
class ServiceFailure extends Error {
  constructor(cause: unknown) {
    super('the model service did not answer', { cause });
  }
}

/** An answer with a status is final: the gateway has tried what could be tried. Without one, it was cut. */
const hasStatus = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number';
