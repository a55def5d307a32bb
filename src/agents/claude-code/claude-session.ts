/** One task in one Claude Code process, driven by the Agent SDK: all that is the task's own goes over the protocol. */
// Everything here takes the entry `core`, which shares zod with the rest: 11.5 MB less than the root, 155 instead of 167 idle.
import {
  type HookInput,
  type HookJSONOutput,
  type Options,
  type PermissionResult,
  type Query,
  query,
  type SDKUserMessage,
} from '@anthropic-ai/claude-agent-sdk/core';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { ModelRoute } from '../../model-gateway/model-gateway.js';
import { limitExceeded } from '../../sandbox/limits/limit-exceeded.js';
import type { AgentTask } from '../agent-task.js';
import { checkArguments, CLI_IN_SANDBOX, CLI_TOOLS, EXTRA_ARGUMENTS } from './cli-arguments.js';
import type { ClaudeProcess } from './claude-process.js';
import type { SandboxedCli } from './sandboxed-cli.js';

/** The tool by which the CLI takes a structured answer; it exists only when a schema is given. */
const STRUCTURED_OUTPUT = 'StructuredOutput';

/** Seconds that a tool may wait until it may act: the state of a large workspace takes a while to be remembered. */
const ACT_TIMEOUT = 600;

export class ClaudeSession {
  readonly messages: Query;
  private readonly prompt = Promise.withResolvers<string>();
  private readonly closed = Promise.withResolvers<void>();
  private mayAct: () => Promise<void> = () => Promise.resolve();

  /** Introduces the task to the process; the prompt is sent by `begin`. */
  constructor(
    private readonly process: ClaudeProcess,
    private readonly task: AgentTask,
  ) {
    this.prompt.promise.catch(() => undefined); // a session may be closed before anybody has asked for its prompt
    this.messages = query({ prompt: this.input(), options: this.options() });
  }

  get route(): ModelRoute {
    return this.process.route;
  }

  /**
   * Resolves when the process has taken all of the task but its prompt; the model is bound here, where the process was
   * started for another one. @throws Error when it does not, perhaps because it is gone
   */
  async settle(): Promise<void> {
    const { model } = this.task;
    await this.messages.initializationResult();
    // Not `setModel`: that asks the model's service for a token first, and fails where the gateway does not let it.
    if (model !== this.process.model) await this.messages.applyFlagSettings({ model });
  }

  /** Sends the task: over the protocol, so that nothing a user wrote is ever in an argument. */
  begin(mayAct: () => Promise<void>): void {
    this.mayAct = mayAct;
    this.process.cli.stdout.awaitOutput();
    this.prompt.resolve(this.task.prompt);
  }

  conversation(): Buffer | undefined {
    return this.process.transcript.content();
  }

  /** TERM to the CLI, KILL after 5 s. */
  stop(): void {
    this.process.stop();
  }

  /**
   * Resolves when nothing of the session is alive.
   * @returns the limit that its sandbox passed, if it did; also when the CLI itself did not notice
   */
  async close(): Promise<ClaudeCodeError | undefined> {
    this.prompt.reject(new Error('the session was closed'));
    this.closed.resolve();
    this.messages.close();
    const exit = await this.process.end();
    return exit?.exceeded && limitExceeded(exit.exceeded);
  }

  /** What really went wrong, behind the SDK's error: no sandbox, too much output, or a CLI that crashed. */
  async explain(error: unknown): Promise<ClaudeCodeError> {
    if (error instanceof ClaudeCodeError) return error;
    const { cli, stderr } = this.process;
    const failure = await this.process.failure();
    if (failure instanceof ClaudeCodeError) return failure;
    if (cli.stdout.errored instanceof ClaudeCodeError) return cli.stdout.errored;
    // Only when nothing is alive has everything been said: a crash is often told before its reason has come through.
    const exceeded = await this.close();
    if (exceeded !== undefined) return exceeded;
    await this.process.said;
    const cause = new Error(`Claude Code failed; its standard error ended with:\n${stderr.toString()}`, {
      cause: error,
    });
    return new ClaudeCodeError('E005', 'Claude Code stopped without an answer.', { cause });
  }

  /** One message; the input stays open until the session is closed, or the CLI could not ask for permissions. */
  private async *input(): AsyncGenerator<SDKUserMessage, void, void> {
    const content = await this.prompt.promise.catch(() => undefined);
    if (content === undefined) return;
    yield { type: 'user', message: { role: 'user', content }, parent_tool_use_id: null };
    await this.closed.promise;
  }

  private options(): Options {
    const { task } = this;
    return {
      pathToClaudeCodeExecutable: CLI_IN_SANDBOX,
      spawnClaudeCodeProcess: ({ args }) => this.adopt(args),
      env: {},
      // Nothing of the workspace configures the agent: no settings, hooks, helpers or MCP servers that were planted there.
      settingSources: [],
      strictMcpConfig: true,
      sessionId: this.process.session.sessionId,
      extraArgs: { ...EXTRA_ARGUMENTS },
      // Otherwise the CLI takes a prompt that begins with `/` for a command of its own, and the model never sees it.
      verbatimPrompts: true,
      includePartialMessages: true,
      tools: [...CLI_TOOLS],
      canUseTool: (name, input) => this.permit(name, input),
      // Asked before every tool, also before those that the CLI allows by itself.
      hooks: { PreToolUse: [{ hooks: [(call) => this.beforeTool(call)], timeout: ACT_TIMEOUT }] },
      maxTurns: this.process.session.maxTurns,
      systemPrompt: { type: 'preset', preset: 'claude_code', append: task.systemPrompt },
      ...(task.outputSchema === undefined
        ? {}
        : { outputFormat: { type: 'json_schema', schema: { ...task.outputSchema } } }),
    };
  }

  /** Hands the SDK the process that is there instead of a new one. */
  private adopt(args: string[]): SandboxedCli {
    checkArguments(args, this.process.session);
    return this.process.cli;
  }

  private async beforeTool(call: HookInput): Promise<HookJSONOutput> {
    const name = call.hook_event_name === 'PreToolUse' ? call.tool_name : '';
    const refusal = this.allows(name) ? await this.untilItMayAct() : unavailable(name);
    if (refusal === undefined) return {};
    return {
      hookSpecificOutput: {
        hookEventName: 'PreToolUse',
        permissionDecision: 'deny',
        permissionDecisionReason: refusal,
      },
    };
  }

  private async permit(name: string, input: Record<string, unknown>): Promise<PermissionResult> {
    const refusal = this.allows(name) ? await this.untilItMayAct() : unavailable(name);
    return refusal === undefined
      ? { behavior: 'allow', updatedInput: input }
      : { behavior: 'deny', message: refusal };
  }

  /** Why it may not, when the run has to end instead. */
  private untilItMayAct(): Promise<string | undefined> {
    return this.mayAct().then(
      () => undefined,
      () => 'The execution is being ended.',
    );
  }

  /** The tools of the task and no others, whatever the CLI offers. */
  private allows(name: string): boolean {
    const { tools, outputSchema } = this.task;
    return tools.includes(name) || (name === STRUCTURED_OUTPUT && outputSchema !== undefined);
  }
}

const unavailable = (name: string) => `The tool ${name} is not available here.`;
