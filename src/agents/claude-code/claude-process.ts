/** One Claude Code process in a sandbox of its own with its own way to the model: started, and perhaps not used yet. */
import { randomBytes, randomUUID } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type { ModelRoute } from '../../model-gateway/model-gateway.js';
import type { Sandbox, SandboxExit, SandboxOrder, WorkspaceAccess } from '../../sandbox/sandbox.js';
import {
  CLI_IN_SANDBOX,
  cliArguments,
  type CliSession,
  CONVERSATION_IN_SANDBOX,
  RESUME_ARGUMENTS,
} from './cli-arguments.js';
import type { OutputLimits } from '../output-limit.js';
import { SandboxedCli } from './sandboxed-cli.js';
import { StderrTail } from '../stderr-tail.js';
import { Transcript, type TranscriptLimits } from './transcript.js';
import { warmUp } from './warm-up.js';

/** Milliseconds between TERM and KILL when a process is stopped: what the CLI may use to put down what it holds. */
const GRACE_MS = 5000;

export interface ProcessOrder {
  /** Host path of the `claude` executable, reachable for the sandbox's uid. */
  binary: string;
  workspace: SandboxOrder['workspace'];
  access: WorkspaceAccess;
  /** Relative to the workspace. */
  workingDirectory: string;
  model: string;
  maxTurns: number;
  output: OutputLimits;
  transcript: TranscriptLimits;
  route: ModelRoute;
  /** Host path of its way to granted hosts; undefined when none was granted. */
  egressSocket?: string;
  /** The transcript that it goes on from. */
  conversation?: Buffer;
  /** Its task comes later. */
  waits: boolean;
  start: (order: SandboxOrder) => Promise<Sandbox>;
}

export class ClaudeProcess {
  readonly cli: SandboxedCli;
  readonly stderr = new StderrTail();
  readonly transcript: Transcript;
  readonly session: CliSession;
  /** Resolves when standard error has come to its end. */
  readonly said: Promise<void>;
  private readonly sandbox: Promise<Sandbox>;

  constructor(private readonly order: ProcessOrder) {
    const { binary, workspace, access, workingDirectory, output, route, conversation, waits, start } = order;
    this.session = { maxTurns: order.maxTurns, sessionId: randomUUID() };
    this.transcript = new Transcript(this.session.sessionId, order.transcript);
    const resume = conversation === undefined ? [] : RESUME_ARGUMENTS;
    this.sandbox = start({
      workspace,
      access,
      argv: [CLI_IN_SANDBOX, ...cliArguments(this.session), ...resume],
      workingDirectory,
      env: environmentFor(order.model),
      modelSocket: route.socketPath,
      egressSocket: order.egressSocket,
      readOnly: [{ source: binary, target: CLI_IN_SANDBOX }],
      files: conversation === undefined ? [] : [{ target: CONVERSATION_IN_SANDBOX, content: conversation }],
      ...(waits ? { waits } : {}),
    });
    this.said = this.sandbox.then((sandbox) => pipeline(sandbox.stderr, this.stderr)).catch(() => undefined); // no sandbox: told by `failure`; a pipe that broke: what came is kept
    this.cli = new SandboxedCli(this.sandbox, GRACE_MS, output, (chunk) => this.transcript.push(chunk));
  }

  get model(): string {
    return this.order.model;
  }

  get route(): ModelRoute {
    return this.order.route;
  }

  /** True while it can be given a task. */
  get alive(): boolean {
    return !this.cli.over;
  }

  /** Resolves when the CLI is up and answers. @throws Error when it ends before, or nobody waits for it any more */
  async ready(signal: AbortSignal): Promise<void> {
    await this.sandbox;
    await warmUp(this.cli, randomUUID(), signal);
  }

  /** Ends the waiting. @throws Error when the workspace cannot be kept as the task needs it */
  async employ(access: WorkspaceAccess): Promise<void> {
    const sandbox = await this.sandbox;
    await sandbox.employ(access);
  }

  async memoryBytes(): Promise<number> {
    return (await this.sandbox).memoryBytes();
  }

  /** Why there is no sandbox; undefined when there is one. */
  async failure(): Promise<unknown> {
    return this.sandbox.then(
      () => undefined,
      (reason: unknown) => reason,
    );
  }

  /** TERM to the CLI, KILL after 5 s. */
  stop(): void {
    this.cli.kill();
  }

  /** Resolves when nothing of it is alive and its way to the model is closed; undefined when there was no sandbox. */
  async end(): Promise<SandboxExit | undefined> {
    const sandbox = await this.sandbox.catch(() => undefined);
    const exit = await sandbox?.end(GRACE_MS * Number(this.cli.killed));
    await this.route.close();
    return exit;
  }
}

/**
 * The CLI's whole environment besides the sandbox's own. The key is a placeholder; the gateway puts in the real one.
 * The model is a name of the configured list; a task that wants another one is bound to it by the flag settings.
 */
const environmentFor = (model: string) => ({
  ANTHROPIC_BASE_URL: 'http://127.0.0.1:3128',
  ANTHROPIC_API_KEY: `sk-sandbox-${randomBytes(12).toString('hex')}`,
  ANTHROPIC_MODEL: model,
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  // What it would remember for later conversations ends with the home directory; telling it how is 2 KB of every request.
  CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
  // The gateway retries; the CLI on its own goes on for minutes after an answer that was cut in the middle.
  CLAUDE_CODE_MAX_RETRIES: '2',
});
