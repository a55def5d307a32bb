/** Makes of held executions what the model's service is asked, looking into each of their workspaces once for many. */
import { Injectable } from '@nestjs/common';
import { SingleAnswers } from '../../agents/messages/single-answers.js';
import { CommandCompiler } from '../../commands/command-compiler.js';
import { toClaudeCodeError } from '../../errors/to-claude-code-error.js';
import type { Execution } from '../../execution/execution.js';
import { HeldExecutions } from '../../execution/held-executions.js';
import { MessageBatches, ServiceFailure } from '../../model-gateway/message-batches.js';
import { Workspaces } from '../../workspaces/workspace.js';
import { asError } from './service-errors.js';

export interface Packed {
  execution: Execution;
  /** As `MessageBatches.submit` takes it. */
  text: string;
}

/** Executions whose requests are in memory at once, besides those of the parcel: each may have half a megabyte of files. */
const PAGE = 20;

@Injectable()
export class Packing {
  constructor(
    private readonly held: HeldExecutions,
    private readonly compiler: CommandCompiler,
    private readonly workspaces: Workspaces,
    private readonly singles: SingleAnswers,
    private readonly batches: MessageBatches,
  ) {}

  /**
   * Those of a batch that were not sent, in the order of its requests as far as their workspaces are the same. One that
   * cannot be asked is ended, and left out.
   * @throws whatever says nothing about one execution: E012, the database's
   */
  async *of(batchId: string, signal: AbortSignal): AsyncGenerator<Packed, void, void> {
    for (let after = -1; ;) {
      const page = await this.held.unsent(batchId, after, PAGE);
      for (const group of Map.groupBy(page, workspaceOf).values()) {
        signal.throwIfAborted();
        yield* await this.pack(group);
      }
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.position ?? after;
    }
  }

  private async pack(group: readonly Execution[]): Promise<Packed[]> {
    const [{ userId, projectId }] = group as [Execution];
    const workspace = await this.workspaces.open(userId, projectId);
    const packed: Packed[] = [];
    await this.workspaces.reading(workspace, () =>
      this.singles.asking(workspace, async (requestOf) => {
        for (const execution of group) {
          try {
            const task = this.compiler.compile(execution.request);
            const request = await requestOf(task);
            const { maxOutputTokens } = task.limits;
            const text = this.batches.pack({ id: execution.id, request, maxOutputTokens });
            packed.push({ execution, text });
          } catch (thrown) {
            const error = thrown instanceof ServiceFailure ? asError(thrown) : toClaudeCodeError(thrown);
            // It is the same for all of them, and may be another one soon.
            if (error.code === 'E012') throw error;
            await this.held.fail([execution], error);
          }
        }
      }),
    );
    return packed;
  }
}

const workspaceOf = ({ userId, projectId }: Execution): string => `${userId}/${projectId}`;
