/** Starts workbenches: the sandbox and the program in it, for whoever asks the Messages API. */
import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import { Sandboxes, type SandboxOrder } from '../../sandbox/sandbox.js';
import type { SandboxProgram } from '../../sandbox/sandbox-program.js';
import { Workbench } from './workbench.js';
import { workbenchProgram } from './workbench-program.js';

/** Seconds. */
const RETRY_AFTER = 60;

@Injectable()
export class Workbenches {
  private program?: Promise<SandboxProgram>;

  constructor(
    private readonly sandboxes: Sandboxes,
    private readonly config: Config,
  ) {}

  /** One that is being started; to be ended by the caller. @throws ClaudeCodeError E012 */
  async open({ workspace, access }: Pick<SandboxOrder, 'workspace' | 'access'>): Promise<Workbench> {
    const { readOnly, argv } = await this.programFor(workspace.uid);
    return new Workbench(
      () => this.sandboxes.start({ workspace, access, argv, readOnly }),
      this.config.values.MESSAGES_TOOL_TIMEOUT_MS,
    );
  }

  /** Once for the life of the server: what one sandbox uid reaches, all do. */
  private programFor(uid: number | undefined): Promise<SandboxProgram> {
    this.program ??= workbenchProgram(this.config.dataDirectory, uid).catch((cause: unknown) => {
      this.program = undefined;
      throw new ClaudeCodeError('E012', 'The file tools cannot be started now.', {
        retryAfter: RETRY_AFTER,
        cause,
      });
    });
    return this.program;
  }
}
