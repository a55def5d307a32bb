/** Starts Claude Code processes: the executable, their way to the model, their sandbox. */
import { statSync } from 'node:fs';
import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { ModelGateway } from '../../model-gateway/model-gateway.js';
import { Redactor } from '../../redaction/redactor.js';
import { reachableProgram } from '../../sandbox/reachable.js';
import { Sandboxes, type SandboxWorkspace } from '../../sandbox/sandbox.js';
import { claudeBinary } from './claude-binary.js';
import { ClaudeProcess, type ProcessOrder } from './claude-process.js';

export type LaunchOrder = Pick<
  ProcessOrder,
  'access' | 'workingDirectory' | 'model' | 'egressSocket' | 'conversation' | 'waits'
> & {
  workspace: SandboxWorkspace;
};

@Injectable()
export class ClaudeLauncher {
  private readonly redactor: Redactor;

  constructor(
    private readonly sandboxes: Sandboxes,
    private readonly gateway: ModelGateway,
    private readonly config: Config,
  ) {
    this.redactor = new Redactor(config.secrets);
  }

  /** The process may still be starting when this resolves. @throws ClaudeCodeError E012 */
  async launch(order: LaunchOrder): Promise<ClaudeProcess> {
    const { values, dataDirectory } = this.config;
    const { uid } = order.workspace;
    const binary = await reachableProgram(claudeBinary(values.CLAUDE_CODE_BINARY), uid, dataDirectory);
    const route = await this.gateway.open({ uid });
    return new ClaudeProcess({
      ...order,
      binary,
      route,
      maxTurns: values.CLAUDE_CODE_MAX_TURNS,
      transcript: { maxBytes: values.CONVERSATION_MAX_BYTES, redactor: this.redactor },
      output: {
        lineBytes: values.OUTPUT_LINE_MAX_BYTES,
        totalBytes: values.OUTPUT_MAX_BYTES,
        idleMs: values.SANDBOX_IDLE_TIMEOUT * 1000,
      },
      start: (sandbox) => this.sandboxes.start(sandbox),
    });
  }

  /**
   * What tells one installed version from another without running it. Settings need no part in it: they are read once.
   * @throws ClaudeCodeError E012 when there is no executable
   */
  version(): string {
    const path = claudeBinary(this.config.values.CLAUDE_CODE_BINARY);
    const { size, mtimeMs, ino } = statSync(path);
    return [path, size, mtimeMs, ino].join(' ');
  }
}
