/** What the figures were measured on, without anything that names the machine. */
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import type * as ClaudeBinary from '../../src/agents/claude-code/claude-binary.js';
import type * as Version from '../../src/version.js';
import { built } from './paths.ts';

const GIB = 1024 ** 3;

export type Machine = Record<string, string>;

export async function machine(): Promise<Machine> {
  const { claudeBinary } = await built<typeof ClaudeBinary>('agents/claude-code/claude-binary.js');
  const { VERSION } = await built<typeof Version>('version.js');
  const [cpu] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    caisson: VERSION,
    processor: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / GIB)} GiB`,
    kernel: `Linux ${release()}`,
    node: process.version,
    claude: execFileSync(claudeBinary(process.env.CLAUDE_CODE_BINARY), ['--version'], {
      encoding: 'utf8',
    }).trim(),
    bubblewrap: execFileSync('bwrap', ['--version'], { encoding: 'utf8' }).trim(),
  };
}
