/** The version of Claude Code that the Agent SDK carries, as its package says it; the executable need not be run for that. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { requireOfProgram } from './claude-binary.js';

const manifest = z.object({ claudeCodeVersion: z.string() });

let known: { release: string | undefined } | undefined;

/** Undefined when it is not installed, or says nothing of it. */
export function carriedRelease(): string | undefined {
  known ??= { release: read() };
  return known.release;
}

function read(): string | undefined {
  try {
    const directory = dirname(requireOfProgram().resolve('@anthropic-ai/claude-agent-sdk'));
    const text = readFileSync(join(directory, 'package.json'), 'utf8');
    return manifest.safeParse(JSON.parse(text)).data?.claudeCodeVersion;
  } catch {
    return undefined; // not installed: `trouble` says so
  }
}
