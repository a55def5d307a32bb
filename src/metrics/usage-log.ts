/** Keeps what each execution used, by model, and sums it up. */
import { Injectable } from '@nestjs/common';
import { type DomainEventMap, DomainEvents } from '../execution/domain-events.js';
import { Database } from '../persistence/database.js';

export const USAGE_DIMENSIONS = ['day', 'userId', 'projectId', 'model'] as const;
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];

export interface UsageFilter {
  /** First and last day (UTC), YYYY-MM-DD, inclusive. */
  from?: string;
  to?: string;
  /** Whose; undefined = everybody's. */
  userId?: string;
}

export type UsageSum = Partial<Record<UsageDimension, string>> & {
  /** Executions. */
  requests: number;
  inputTokens: number;
  outputTokens: number;
  cacheCreationTokens: number;
  cacheReadTokens: number;
  /** All four together. */
  tokens: number;
  /** US dollars; of models without a known price nothing is in it. */
  costUsd: number;
};

const NOTHING = { inputTokens: 0, outputTokens: 0, cacheCreationTokens: 0, cacheReadTokens: 0 };

@Injectable()
export class UsageLog {
  constructor(
    private readonly database: Database,
    events: DomainEvents,
  ) {
    events.on('execution.ended', ({ data }) => this.record(data));
  }

  /** One row for each model; an execution that used none has a row of zeros, so that it counts as a request. */
  private async record({ execution, usage, db }: DomainEventMap['execution.ended']): Promise<void> {
    const { id: executionId, userId, projectId } = execution;
    const day = new Date(execution.endedAt ?? Date.now()).toISOString().slice(0, 10);
    const used = Object.keys(usage).length === 0 ? { [execution.model]: NOTHING } : usage;
    const rows = Object.entries(used).map(
      ([model, { costUsd, ...tokens }]: [string, (typeof usage)[string]]) => ({
        executionId,
        model,
        userId,
        projectId,
        day,
        ...tokens,
        costUsd: costUsd ?? null,
      }),
    );
    await db.insertInto('usage').values(rows).execute();
  }

  /** Sums by the given dimensions, in their order; none: one sum of all. */
  async sum(by: readonly UsageDimension[], { from, to, userId }: UsageFilter): Promise<UsageSum[]> {
    const rows = await this.database
      .selectFrom('usage')
      .select(by)
      .select(({ fn }) => [
        fn.count<number | string>('executionId').distinct().as('requests'),
        fn.sum<number | string | null>('inputTokens').as('inputTokens'),
        fn.sum<number | string | null>('outputTokens').as('outputTokens'),
        fn.sum<number | string | null>('cacheCreationTokens').as('cacheCreationTokens'),
        fn.sum<number | string | null>('cacheReadTokens').as('cacheReadTokens'),
        fn.sum<number | null>('costUsd').as('costUsd'),
      ])
      .$if(from !== undefined, (query) => query.where('day', '>=', from ?? ''))
      .$if(to !== undefined, (query) => query.where('day', '<=', to ?? ''))
      .$if(userId !== undefined, (query) => query.where('userId', '=', userId ?? ''))
      .$if(by.length > 0, (query) => query.groupBy(by))
      .$call((query) => by.reduce((ordered, column) => ordered.orderBy(column), query))
      .execute();
    return rows.map((row) => {
      // PostgreSQL answers sums of bigint as text, and the sum of no rows is null.
      const [input, output, creation, read] = [
        Number(row.inputTokens),
        Number(row.outputTokens),
        Number(row.cacheCreationTokens),
        Number(row.cacheReadTokens),
      ];
      return {
        ...row,
        requests: Number(row.requests),
        inputTokens: input,
        outputTokens: output,
        cacheCreationTokens: creation,
        cacheReadTokens: read,
        tokens: input + output + creation + read,
        costUsd: row.costUsd ?? 0,
      };
    });
  }
}
