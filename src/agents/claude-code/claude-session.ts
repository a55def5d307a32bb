/** One Claude Code process for one task: started through the Agent SDK in a sandbox, given its prompt over the protocol. */
import { randomBytes } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import {
  type CanUseTool,
  type Options,
  type Query,
  query,
  type SDKUserMessage,
} from '@anthropic-ai/claude-agent-sdk';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import { limitExceeded } from '../../sandbox/limits/limit-exceeded.js';
import type { Sandbox, SandboxOrder } from '../../sandbox/sandbox.js';
import type { AgentTask } from '../agent-task.js';
import type { OutputLimits } from './output-limit.js';
import { SandboxedCli } from './sandboxed-cli.js';
import { StderrTail } from './stderr-tail.js';

/** Milliseconds between TERM and KILL when a session is stopped: what the CLI may use to put down what it holds. */
const GRACE_MS = 5000;

const CLI_IN_SANDBOX = '/opt/agent/claude';

/** The tool by which the CLI takes a structured answer; it exists only when a schema is given. */
const STRUCTURED_OUTPUT = 'StructuredOutput';

export interface SessionOrder {
  task: AgentTask;
  /** Host path of the `claude` executable, reachable for the sandbox's uid. */
  binary: string;
  workspace: SandboxOrder['workspace'];
  modelSocket: string;
  egressSocket?: string;
  output: OutputLimits;
  start: (order: SandboxOrder) => Promise<Sandbox>;
}

export class ClaudeSession {
  readonly messages: Query;
  private readonly prompt = Promise.withResolvers<string>();
  private readonly closed = Promise.withResolvers<void>();
  private readonly stderr = new StderrTail();
  /** Resolves when standard error has come to its end. */
  private said: Promise<void> | undefined;
  private sandbox: Promise<Sandbox> | undefined;
  private cli: SandboxedCli | undefined;

  constructor(private readonly order: SessionOrder) {
    this.messages = query({ prompt: this.input(), options: this.options() });
  }

  /** Sends the task: over the protocol, so that nothing a user wrote is ever in an argument. */
  begin(): void {
    this.cli?.stdout.awaitOutput();
    this.prompt.resolve(this.order.task.prompt);
  }

  /** TERM to the CLI, KILL after 5 s. */
  stop(): void {
    this.cli?.kill();
  }

  /**
   * Resolves when nothing of the session is alive.
   * @returns the limit that its sandbox passed, if it did; also when the CLI itself did not notice
   */
  async close(): Promise<ClaudeCodeError | undefined> {
    this.prompt.reject(new Error('the session was closed'));
    this.closed.resolve();
    this.messages.close();
    const sandbox = await this.sandbox?.catch(() => undefined);
    const exit = await sandbox?.end(GRACE_MS * Number(this.cli?.killed === true));
    return exit?.exceeded && limitExceeded(exit.exceeded);
  }

  /** What really went wrong, behind the SDK's error: no sandbox, too much output, or a CLI that crashed. */
  async explain(error: unknown): Promise<ClaudeCodeError> {
    if (error instanceof ClaudeCodeError) return error;
    const started: unknown = await this.sandbox?.catch((reason: unknown) => reason);
    if (started instanceof ClaudeCodeError) return started;
    if (this.cli?.stdout.errored instanceof ClaudeCodeError) return this.cli.stdout.errored;
    // Only when nothing is alive has everything been said: a crash is often told before its reason has come through.
    const exceeded = await this.close();
    if (exceeded !== undefined) return exceeded;
    await this.said;
    const cause = new Error(`Claude Code failed; its standard error ended with:\n${this.stderr.toString()}`, {
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
    const { task } = this.order;
    return {
      pathToClaudeCodeExecutable: CLI_IN_SANDBOX,
      spawnClaudeCodeProcess: ({ args }) => this.spawn(args),
      env: {},
      // Nothing of the workspace configures the agent: no settings, hooks, helpers or MCP servers that were planted there.
      settingSources: [],
      strictMcpConfig: true,
      persistSession: false,
      // Otherwise the CLI takes a prompt that begins with `/` for a command of its own, and the model never sees it.
      verbatimPrompts: true,
      includePartialMessages: true,
      tools: [...task.tools],
      canUseTool: permissionFor(task),
      maxTurns: task.limits.maxTurns,
      systemPrompt: { type: 'preset', preset: 'claude_code', append: task.systemPrompt },
      ...(task.outputSchema === undefined
        ? {}
        : { outputFormat: { type: 'json_schema', schema: { ...task.outputSchema } } }),
    };
  }

  private spawn(args: string[]): SandboxedCli {
    const { task, binary, workspace, modelSocket, egressSocket, output, start } = this.order;
    this.sandbox = start({
      workspace,
      access: task.access,
      argv: [CLI_IN_SANDBOX, ...args],
      workingDirectory: task.workingDirectory,
      env: environmentOf(task),
      modelSocket,
      egressSocket,
      readOnly: [{ source: binary, target: CLI_IN_SANDBOX }],
    });
    this.said = this.sandbox.then((sandbox) => pipeline(sandbox.stderr, this.stderr)).catch(() => undefined); // no sandbox: told by `explain`; a pipe that broke: what came is kept
    this.cli = new SandboxedCli(this.sandbox, GRACE_MS, output);
    return this.cli;
  }
}

/**
 * The CLI's whole environment besides the sandbox's own. The key is a placeholder; the gateway puts in the real one.
 * The model is bound here, a name of the configured list: the protocol's `set_model` makes the CLI (2.1.330) ask the
 * model's service for one token first, which costs a round trip and is paid.
 */
const environmentOf = ({ model }: AgentTask) => ({
  ANTHROPIC_BASE_URL: 'http://127.0.0.1:3128',
  ANTHROPIC_API_KEY: `sk-sandbox-${randomBytes(12).toString('hex')}`,
  ANTHROPIC_MODEL: model,
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  // The gateway retries; the CLI on its own goes on for minutes after an answer that was cut in the middle.
  CLAUDE_CODE_MAX_RETRIES: '2',
});

/** Allows the tools of the task and denies the rest, whatever the CLI offers. */
function permissionFor(task: AgentTask): CanUseTool {
  const allowed = new Set([...task.tools, ...(task.outputSchema === undefined ? [] : [STRUCTURED_OUTPUT])]);
  return (name, input) =>
    Promise.resolve(
      allowed.has(name)
        ? { behavior: 'allow', updatedInput: input }
        : { behavior: 'deny', message: `The tool ${name} is not available here.` },
    );
}
