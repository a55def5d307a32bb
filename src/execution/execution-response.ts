/** Builds the ClaudeCodeResponse of an ended execution from what is known of it. */
import type { AgentOutcome } from '../agents/agent-engine.js';
import type { Answer } from '../cache/answer.js';
import type { ClaudeCodeResponse, CommandResult, ResultFile } from '../commands/claude-code-response.js';
import type { Command } from '../commands/command.js';
import type { ErrorBody } from '../errors/claude-code.error.js';
import type { TokenUsage, UsageByModel } from '../model-gateway/model-gateway.js';
import { traceIdOf } from '../tracing/span.js';
import type { ChangeSet } from '../workspaces/workspace.js';
import type { Execution } from './execution.js';

/** Characters of file contents in one answer; past that, contents are left out ('') and fetched one by one. */
const CONTENT_BUDGET = 4 * 1024 * 1024;

export interface Ended {
  execution: Execution;
  command: Command;
  /** Epoch milliseconds. */
  endedAt: number;
  usage: UsageByModel;
  changes: ChangeSet;
  /** Id of the snapshot that `options.backup` asked for. */
  backup?: string;
  /** Exactly one of the two. */
  outcome?: AgentOutcome;
  error?: ErrorBody;
  /** Where the outcome is from, when nothing ran. */
  answer?: Answer;
}

export function responseOf(ended: Ended): ClaudeCodeResponse {
  const { execution, error, outcome } = ended;
  return {
    success: error === undefined,
    action: execution.action,
    result: outcome === undefined ? partialResult(ended) : wholeResult(ended, outcome),
    error,
    metadata: {
      executionId: execution.id,
      duration: execution.startedAt === undefined ? 0 : ended.endedAt - execution.startedAt,
      ...(ended.answer === undefined
        ? accountOf(ended.usage, execution.model)
        : { tokensUsed: 0, model: ended.answer.model, costUsd: 0, cached: true }),
      ...(ended.backup === undefined ? {} : { backup: ended.backup }),
      ...(execution.traceparent === undefined ? {} : { traceId: traceIdOf(execution.traceparent) }),
    },
  };
}

function wholeResult({ command, execution, changes }: Ended, outcome: AgentOutcome): CommandResult {
  const format = execution.request.options?.format;
  // Commands with a schema answer an object: as JSON it is the answer, otherwise its summary is the text.
  const summary = outcome.structured?.summary;
  const text =
    outcome.structured === undefined ? outcome.text : typeof summary === 'string' ? summary : undefined;
  return {
    ...(text !== undefined && !(outcome.structured !== undefined && format === 'json') ? { text } : {}),
    ...command.result(execution.request, outcome, changes),
    ...(changes.files.length > 0 ? { files: resultFiles(changes) } : {}),
  };
}

/** What an execution that failed left behind is told too: its files are changed all the same. */
const partialResult = ({ changes }: Ended): CommandResult | undefined =>
  changes.files.length > 0 ? { files: resultFiles(changes) } : undefined;

function resultFiles(changes: ChangeSet): ResultFile[] {
  let budget = CONTENT_BUDGET;
  return changes.files.map(({ path, action, content = '' }) => {
    const fits = content.length <= budget;
    if (fits) budget -= content.length;
    return { path, action, content: fits ? content : '' };
  });
}

/** The model that did most of the work, and the sums over all of them. */
export function accountOf(
  usage: UsageByModel,
  asked: string,
): { tokensUsed: number; model: string; costUsd?: number } {
  const models = Object.entries(usage);
  const busiest = models.toSorted(([, a], [, b]) => b.outputTokens - a.outputTokens)[0]?.[0];
  const costs = models.map(([, tokens]) => tokens.costUsd).filter((cost) => cost !== undefined);
  return {
    tokensUsed: models.reduce((sum, [, tokens]) => sum + tokensOf(tokens), 0),
    model: busiest ?? asked,
    // A sum that leaves a model out would be too low: then nothing is claimed.
    ...(costs.length > 0 && costs.length === models.length
      ? { costUsd: costs.reduce((sum, cost) => sum + cost, 0) }
      : {}),
  };
}

const tokensOf = (usage: TokenUsage): number =>
  usage.inputTokens + usage.outputTokens + usage.cacheCreationTokens + usage.cacheReadTokens;
