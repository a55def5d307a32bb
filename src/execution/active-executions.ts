/** The executions under way in this process, and the one way to end one early: the first cause wins. */
import { Injectable } from '@nestjs/common';
import type { ClaudeCodeError } from '../errors/claude-code.error.js';

interface Active {
  ending: AbortController;
  done: Promise<void>;
}

@Injectable()
export class ActiveExecutions {
  /** More than one for an execution that is offered here twice, until the second is refused its claim. */
  private readonly active = new Map<string, Set<Active>>();

  /** Runs `work` under a signal whose reason is the first cause given to `end`. */
  async during(executionId: string, work: (ending: AbortController) => Promise<void>): Promise<void> {
    const ending = new AbortController();
    const own = { ending, done: work(ending) };
    const all = this.active.get(executionId) ?? new Set();
    this.active.set(executionId, all.add(own));
    try {
      await own.done;
    } finally {
      all.delete(own);
      if (all.size === 0) this.active.delete(executionId);
    }
  }

  /** Asks an execution to end for this cause; resolves when it has; undefined when it is not under way here. */
  end(executionId: string, cause: ClaudeCodeError): Promise<void> | undefined {
    const all = this.active.get(executionId);
    if (all === undefined) return undefined;
    // A second abort does not change the reason: the first cause wins.
    for (const { ending } of all) ending.abort(cause);
    return Promise.all([...all].map(({ done }) => done)).then(() => undefined);
  }

  /** Asks everything under way to end for this cause; resolves when all has. */
  async endAll(cause: ClaudeCodeError): Promise<void> {
    for (const { ending } of this.all()) ending.abort(cause);
    await this.idle();
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.all().map(({ done }) => done)); // whoever runs it tells of a failure
  }

  private all(): Active[] {
    return [...this.active.values()].flatMap((all) => [...all]);
  }
}
