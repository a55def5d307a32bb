/** The real Claude Code CLI, driven by the official Agent SDK, in a sandbox of its own: one that waited, or a new one. */
import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { AgentEngine, type AgentOrder, type AgentPlace } from '../agent-engine.js';
import type { AgentTask } from '../agent-task.js';
import type { MissReason } from '../warm-places.js';
import { claudeTrouble } from './claude-binary.js';
import { ClaudeLauncher } from './claude-launcher.js';
import { ClaudePlace } from './claude-place.js';
import type { ClaudeProcess } from './claude-process.js';
import type { ClaudeSession } from './claude-session.js';
import { carriedRelease } from './claude-release.js';
import { CLI_TOOLS } from './cli-arguments.js';
import { WarmClaude } from './warm-claude.js';

@Injectable()
export class ClaudeCodeEngine extends AgentEngine {
  readonly name = 'claude-code';
  readonly capabilities = { runsPrograms: true, reachesHosts: true, keepsWarm: true };
  readonly tools = CLI_TOOLS;

  constructor(
    private readonly launcher: ClaudeLauncher,
    private readonly warm: WarmClaude,
    private readonly config: Config,
  ) {
    super();
  }

  get models(): readonly string[] {
    return this.config.values.CLAUDE_CODE_MODELS;
  }

  version(): string {
    return this.launcher.version();
  }

  release(): string | undefined {
    return this.config.values.CLAUDE_CODE_BINARY === undefined ? carriedRelease() : undefined;
  }

  trouble(): string | undefined {
    return claudeTrouble(this.config.values.CLAUDE_CODE_BINARY);
  }

  async take(order: AgentOrder): Promise<AgentPlace> {
    const begun = performance.now();
    const calm = this.warm.rush();
    try {
      const { session, outcome } = await this.session(order);
      this.warm.announce(outcome, performance.now() - begun);
      return new ClaudePlace(session, calm);
    } catch (error) {
      calm();
      throw error;
    }
  }

  private async session(order: AgentOrder) {
    const { task, workspace } = order;
    const claimed = needsNew(order) ?? (await this.warm.claim(workspace, task));
    // A place that was kept for what the project was before its hosts were granted.
    if (claimed === 'egress') this.warm.cool(workspace);
    if (typeof claimed === 'string') return { session: await this.cold(order), outcome: claimed };
    const session = await sessionWith(claimed, task);
    try {
      await session.settle();
      return { session, outcome: 'hit' as const };
    } catch {
      // It died in this moment, or does not take the task. Nothing has been asked of the model: a new one takes its place.
      const outcome = claimed.alive ? ('bind' as const) : ('died' as const);
      await session.close();
      return { session: await this.cold(order), outcome };
    }
  }

  /** @throws ClaudeCodeError E012 when there is no executable, or no way to the model */
  private async cold({ task, workspace, egress, conversation }: AgentOrder): Promise<ClaudeSession> {
    await this.warm.makeRoom();
    const { access, workingDirectory, model } = task;
    const egressSocket = egress?.socketPath;
    const order = { workspace, access, workingDirectory, model, egressSocket, conversation, waits: false };
    return sessionWith(await this.launcher.launch(order), task);
  }
}

/** The Agent SDK is loaded when a process is there to be driven: a process that only answers calls never does, and saves its memory. */
async function sessionWith(process: ClaudeProcess, task: AgentTask): Promise<ClaudeSession> {
  const { ClaudeSession } = await import('./claude-session.js');
  return new ClaudeSession(process, task);
}

/** Why no place that waits can serve this order. */
function needsNew({ workspace, egress, conversation }: AgentOrder): MissReason | undefined {
  // The CLI reads an earlier conversation when it starts, and never again.
  if (conversation !== undefined) return 'continue';
  // A copy is used once: what waits for its workspace would work in the workspace itself.
  if (workspace.copy !== undefined) return 'copy';
  // The way to granted hosts is mounted at the start, and each of its connections is recorded under its execution.
  return egress === undefined ? undefined : 'egress';
}
