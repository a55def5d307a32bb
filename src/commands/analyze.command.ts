/** analyze: explains code, as an object. The workspace is mounted read-only. */
import { Injectable } from '@nestjs/common';
import type { AgentOutcome } from '../agents/agent-engine.js';
import type { JsonSchema } from '../agents/agent-task.js';
import { SEVERITIES, type ClaudeCodeRequest } from './claude-code-request.js';
import type { CommandResult } from './claude-code-response.js';
import { Command, READING_TOOLS } from './command.js';

const DEFAULT_DEPTH = 3;

@Injectable()
export class AnalyzeCommand extends Command {
  readonly action = 'analyze';
  readonly description = 'Explains what code does, how it is built and where it is weak; changes nothing.';
  readonly options = ['depth', 'includeTests'] as const;
  readonly tools = () => READING_TOOLS;
  readonly access = () => 'read-only' as const;

  instructions({ options }: ClaudeCodeRequest): string[] {
    return [
      'Analyze the code as asked. The workspace is read-only: do not try to change anything.',
      `Follow the structure at most ${options?.depth ?? DEFAULT_DEPTH} levels deep, in directories and in calls.`,
      options?.includeTests === true
        ? 'Include the tests: say what they cover and what they leave out.'
        : 'Leave tests aside: neither read nor report on them.',
    ];
  }

  override outputSchema({ options }: ClaudeCodeRequest): JsonSchema {
    const tests = {
      type: 'array',
      description: 'One entry a test file',
      items: {
        type: 'object',
        properties: { path: { type: 'string' }, covers: { type: 'string' } },
        required: ['path', 'covers'],
      },
    };
    return {
      type: 'object',
      properties: {
        summary: { type: 'string', description: 'What the code is and does' },
        structure: {
          type: 'array',
          description: 'The parts, outermost first',
          items: {
            type: 'object',
            properties: { path: { type: 'string' }, purpose: { type: 'string' } },
            required: ['path', 'purpose'],
          },
        },
        findings: {
          type: 'array',
          description: 'Weaknesses and risks, worst first',
          items: {
            type: 'object',
            properties: {
              severity: { type: 'string', enum: [...SEVERITIES] },
              title: { type: 'string' },
              detail: { type: 'string' },
              path: { type: 'string' },
              line: { type: 'integer' },
            },
            required: ['severity', 'title', 'detail'],
          },
        },
        ...(options?.includeTests === true ? { tests } : {}),
      },
      required: ['summary', 'structure', 'findings', ...(options?.includeTests === true ? ['tests'] : [])],
    };
  }

  result(_request: ClaudeCodeRequest, outcome: AgentOutcome): CommandResult {
    return { analysis: outcome.structured ?? {} };
  }
}
