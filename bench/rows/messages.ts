/** What a simple task costs without a CLI: the same `generate` by the engine `messages` and by Claude Code. */
import { interleave } from '../support/interleave.ts';
import type { Row } from '../support/row.ts';
import { startServer } from '../support/server.ts';
import { ratios } from '../support/statistics.ts';

interface Answer {
  metadata: { tokensUsed: number };
}

const FILE = { file_path: '/workspace/hello.ts', content: 'export const hello = "Hello";\n' };
const PROMPT = `Write a greeting.\n@tool Write ${JSON.stringify(FILE)}\n@text Written.`;

export const messages: Row = {
  name: 'messages',
  measures:
    'a `generate` that writes one file, by the engine `messages` beside Claude Code (started for it): from the request to the ' +
    'answer, and the tokens of it',
  note:
    'The stand-in answers both at once and alike, so the time is that of everything else: a CLI that starts, or the file tools. ' +
    'Tokens are those of the requests, a token for four characters, as the stand-in counts them; what the prompt cache would ' +
    'save of their price is not in them.',
  async run(ground) {
    await using server = await startServer(ground);
    const tokens: Record<'messages' | 'claude-code', number[]> = { messages: [], 'claude-code': [] };
    const timed = (engine: keyof typeof tokens) => async (round: number) => {
      const begun = performance.now();
      const { metadata } = await server.call<Answer>('POST', '/api/claude-code', {
        action: 'generate',
        prompt: PROMPT,
        options: { engine },
        // A workspace of its own, so that each round writes what was not there.
        metadata: { projectId: `${engine}-${round}` },
      });
      tokens[engine].push(metadata.tokensUsed);
      return performance.now() - begun;
    };
    const contenders = { api: timed('messages'), cli: timed('claude-code') };
    const { api, cli } = await interleave(ground.quick ? 1 : 15, contenders);
    return [
      { name: 'messages', unit: 'ms', samples: api },
      { name: 'Claude Code, cold', unit: 'ms', samples: cli },
      { name: 'messages ÷ Claude Code, time', unit: '×', samples: ratios(api, cli) },
      { name: 'messages, tokens', unit: 'count', samples: tokens.messages },
      { name: 'Claude Code, tokens', unit: 'count', samples: tokens['claude-code'] },
      {
        name: 'messages ÷ Claude Code, tokens',
        unit: '×',
        samples: ratios(tokens.messages, tokens['claude-code']),
      },
    ];
  },
};
