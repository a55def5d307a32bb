/** The executions under way in this process, and the one way to end one early: the first cause wins. */
import { Injectable } from '@nestjs/common';
import type { ClaudeCodeError } from '../errors/claude-code.error.js';

interface Active {
  ending: AbortController;
  done: Promise<void>;
}

@Injectable()
export class ActiveExecutions {
  private readonly active = new Map<string, Active>();

  /** Runs `work` under a signal whose reason is the first cause given to `end`. */
  async during(executionId: string, work: (ending: AbortController) => Promise<void>): Promise<void> {
    const ending = new AbortController();
    const done = work(ending).finally(() => this.active.delete(executionId));
    this.active.set(executionId, { ending, done });
    await done;
  }

  /** Asks an execution to end for this cause; resolves when it has; undefined when it is not under way here. */
  end(executionId: string, cause: ClaudeCodeError): Promise<void> | undefined {
    const active = this.active.get(executionId);
    active?.ending.abort(cause); // a second abort does not change the reason: the first cause wins
    return active?.done;
  }

  /** Asks everything under way to end for this cause; resolves when all has. */
  async endAll(cause: ClaudeCodeError): Promise<void> {
    for (const { ending } of this.active.values()) ending.abort(cause);
    await this.idle();
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.active.values()].map(({ done }) => done)); // whoever runs it tells of a failure
  }
}
