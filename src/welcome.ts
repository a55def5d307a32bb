/** What is printed once the server listens: where it is, the first key, and one command to try. */
import type { Config } from './config/config.js';

const EXAMPLE = {
  action: 'generate',
  prompt: 'Create hello.txt with a friendly greeting',
  metadata: { projectId: 'demo' },
};

/** @param secret of the first admin key, when it was made just now */
export function welcome(url: string, config: Config, secret: string | undefined): string {
  if (!config.serves) return `Caisson works; it listens on ${url} for probes and the collector of metrics.\n`;
  const key = secret ?? '$CAISSON_API_KEY';
  const keyLines =
    secret === undefined
      ? ['The first admin key was shown at the first start (lost? set BOOTSTRAP_API_KEY to a new one).']
      : ['The first admin key, shown this once:', '', `  ${secret}`];
  const modelLine = config.rehearsal
    ? 'No ANTHROPIC_API_KEY: the model is rehearsed offline. The CLI, its tools and the sandbox are real.'
    : `The model is ${config.values.CLAUDE_CODE_MODEL} at ${config.values.ANTHROPIC_BASE_URL}.`;
  return [
    '',
    `Caisson listens on ${url}  (documentation: ${url}/docs)`,
    modelLine,
    ...keyLines,
    '',
    'Try it: Claude Code makes a file in a sandbox and answers it.',
    '',
    `  curl -s ${url}/api/claude-code -H "Authorization: Bearer ${key}" \\`,
    `    -H 'Content-Type: application/json' -d '${JSON.stringify(EXAMPLE)}'`,
    '',
    '',
  ].join('\n');
}
