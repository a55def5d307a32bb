/** review: finds problems, as a list; with `fix` it mends them. Without `fix` the workspace is mounted read-only. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { AgentOutcome } from '../agents/agent-engine.js';
import type { JsonSchema } from '../agents/agent-task.js';
import type { WorkspaceAccess } from '../sandbox/sandbox.js';
import { SEVERITIES, type ClaudeCodeRequest, type Severity } from './claude-code-request.js';
import type { CommandResult } from './claude-code-response.js';
import { Command, READING_TOOLS, WRITING_TOOLS } from './command.js';

const DEFAULT_SEVERITY: Severity = 'low';

const Finding = z.object({
  severity: z.enum(SEVERITIES),
  path: z.string(),
  line: z.int().optional(),
  problem: z.string(),
  suggestion: z.string(),
});
type Finding = z.infer<typeof Finding>;

/** The CLI has checked the answer against the schema; what does not fit all the same is left out. */
const findingsOf = (answer: unknown): Finding[] =>
  Array.isArray(answer) ? answer.flatMap((entry) => Finding.safeParse(entry).data ?? []) : [];

const atLeast = (least: Severity) => SEVERITIES.slice(SEVERITIES.indexOf(least));
const worstFirst = (a: Finding, b: Finding) =>
  SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity);
const place = (finding: Finding) =>
  finding.line === undefined ? finding.path : `${finding.path}:${finding.line}`;

@Injectable()
export class ReviewCommand extends Command {
  readonly action = 'review';
  readonly description = 'Finds problems and suggests mends, worst first; with `fix` it mends them.';
  readonly options = ['severity', 'fix'] as const;

  tools({ options }: ClaudeCodeRequest) {
    return options?.fix === true ? WRITING_TOOLS : READING_TOOLS;
  }

  access({ options }: ClaudeCodeRequest): WorkspaceAccess {
    return options?.fix === true ? 'read-write' : 'read-only';
  }

  instructions({ options }: ClaudeCodeRequest): string[] {
    return [
      'Review the code as asked: look for defects, security problems, and what will be hard to live with.',
      `Report only what is of severity ${atLeast(options?.severity ?? DEFAULT_SEVERITY).join(', ')}.`,
      options?.fix === true
        ? 'Mend what you report, with the smallest change that does it; then report it as mended.'
        : 'The workspace is read-only: do not try to change anything.',
    ];
  }

  override outputSchema({ options }: ClaudeCodeRequest): JsonSchema {
    return {
      type: 'object',
      properties: {
        summary: { type: 'string', description: 'The verdict in a sentence or two' },
        findings: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              severity: { type: 'string', enum: atLeast(options?.severity ?? DEFAULT_SEVERITY) },
              path: { type: 'string', description: 'Relative to the working directory' },
              line: { type: 'integer' },
              problem: { type: 'string' },
              suggestion: { type: 'string' },
            },
            required: ['severity', 'path', 'problem', 'suggestion'],
          },
        },
      },
      required: ['summary', 'findings'],
    };
  }

  override severalTurns({ options }: ClaudeCodeRequest): string | undefined {
    return options?.fix === true ? 'options.fix reads files, and then changes them' : undefined;
  }

  result({ options }: ClaudeCodeRequest, outcome: AgentOutcome): CommandResult {
    const wanted = atLeast(options?.severity ?? DEFAULT_SEVERITY);
    const findings = findingsOf(outcome.structured?.findings);
    return {
      suggestions: findings
        .filter((finding) => wanted.includes(finding.severity))
        .sort(worstFirst)
        .map(
          (finding) => `[${finding.severity}] ${place(finding)}: ${finding.problem} → ${finding.suggestion}`,
        ),
    };
  }
}
