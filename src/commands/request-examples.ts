/** Requests that run as they stand: what Swagger UI offers to try. */
import type { ClaudeCodeRequest } from './claude-code-request.js';

export const REQUEST_EXAMPLES = {
  generate: {
    summary: 'Write code',
    value: {
      action: 'generate',
      prompt: 'Create hello.ts with a function that greets by name',
      context: { language: 'typescript' },
      metadata: { projectId: 'demo' },
    },
  },
  analyze: {
    summary: 'Explain code',
    value: {
      action: 'analyze',
      prompt: 'Explain what this project does',
      options: { depth: 2, includeTests: true },
      metadata: { projectId: 'demo' },
    },
  },
  refactor: {
    summary: 'Restructure code',
    value: { action: 'refactor', prompt: 'Tidy up hello.ts', metadata: { projectId: 'demo' } },
  },
  review: {
    summary: 'Find problems',
    value: {
      action: 'review',
      prompt: 'Review hello.ts',
      options: { severity: 'medium' },
      metadata: { projectId: 'demo' },
    },
  },
} as const satisfies Record<string, { summary: string; value: ClaudeCodeRequest }>;
