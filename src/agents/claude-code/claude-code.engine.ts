/** The real Claude Code CLI, driven by the official Agent SDK, in a sandbox of its own. */
import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { reachableProgram } from '../../sandbox/reachable.js';
import { Sandboxes } from '../../sandbox/sandbox.js';
import { AgentEngine, type AgentEvent, type AgentOutcome, type AgentRun } from '../agent-engine.js';
import { claudeBinary } from './claude-binary.js';
import { ClaudeSession } from './claude-session.js';
import { eventsOf, outcomeOf } from './sdk-messages.js';

@Injectable()
export class ClaudeCodeEngine extends AgentEngine {
  readonly name = 'claude-code';

  constructor(
    private readonly sandboxes: Sandboxes,
    private readonly config: Config,
  ) {
    super();
  }

  async *run(run: AgentRun): AsyncGenerator<AgentEvent, AgentOutcome, void> {
    const session = await this.open(run);
    const stop = () => session.stop();
    run.signal.addEventListener('abort', stop);
    if (run.signal.aborted) stop();
    try {
      session.begin();
      for await (const message of session.messages) {
        yield* eventsOf(message);
        if (message.type === 'result') return await this.settle(session, outcomeOf(message));
      }
      throw new Error('the session ended without a result');
    } catch (error) {
      throw await session.explain(error);
    } finally {
      run.signal.removeEventListener('abort', stop);
      await session.close();
    }
  }

  /** @throws ClaudeCodeError E015 when a limit was passed on the way to the result */
  private async settle(session: ClaudeSession, outcome: AgentOutcome): Promise<AgentOutcome> {
    const exceeded = await session.close();
    if (exceeded !== undefined) throw exceeded;
    return outcome;
  }

  /** @throws ClaudeCodeError E012 when there is no executable */
  private async open({ task, workspace, route, egress }: AgentRun): Promise<ClaudeSession> {
    const { values, dataDirectory } = this.config;
    const binary = await reachableProgram(
      claudeBinary(values.CLAUDE_CODE_BINARY),
      workspace.uid,
      dataDirectory,
    );
    return new ClaudeSession({
      task,
      binary,
      workspace,
      modelSocket: route.socketPath,
      egressSocket: egress?.socketPath,
      output: {
        lineBytes: values.OUTPUT_LINE_MAX_BYTES,
        totalBytes: values.OUTPUT_MAX_BYTES,
        idleMs: values.SANDBOX_IDLE_TIMEOUT * 1000,
      },
      start: (order) => this.sandboxes.start(order),
    });
  }
}
