/** Where the `claude` executable is that runs in the sandboxes. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';

/** The Agent SDK carries one binary a platform, as optional dependencies; glibc and musl differ. */
const PACKAGES = [
  `@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}`,
  `@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}-musl`,
];

/**
 * @param configured CLAUDE_CODE_BINARY, if it is set
 * @throws ClaudeCodeError E012 when there is none
 */
export function claudeBinary(configured: string | undefined): string {
  const candidates = configured === undefined ? carriedBySdk() : [configured];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined)
    throw new ClaudeCodeError('E012', 'The Claude Code executable is not installed.', {
      details: { mend: 'npm ci, or set CLAUDE_CODE_BINARY' },
    });
  return found;
}

/** Why there is none, without a path of this host; undefined when there is one. */
export function claudeTrouble(configured: string | undefined): string | undefined {
  try {
    claudeBinary(configured);
    return undefined;
  } catch (error) {
    if (error instanceof ClaudeCodeError) return error.message;
    throw error;
  }
}

/** Finds packages from the program that runs, wherever it was started from. */
export const requireOfProgram = (): NodeJS.Require =>
  createRequire(process.argv[1] ?? join(process.cwd(), 'index.js'));

function carriedBySdk(): string[] {
  const require = requireOfProgram();
  return PACKAGES.flatMap((name) => {
    try {
      return [join(dirname(require.resolve(`${name}/package.json`)), 'claude')];
    } catch {
      return []; // not installed for this platform: the other one is
    }
  });
}
