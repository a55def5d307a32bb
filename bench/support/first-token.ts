/** What comes, and how long until the first of it is there: at a client of the server, of the bare CLI and of the bare SDK. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Options, type SDKMessage, startup } from '@anthropic-ai/claude-agent-sdk';
import type { Socket } from 'socket.io-client';
import type * as ClaudeBinary from '../../src/agents/claude-code/claude-binary.js';
import { built } from './paths.ts';
import type { Ground } from './row.ts';

/** One line of script for the stand-in, which answers at once: what is measured is everything else. */
export const HELLO = 'Say hello.\n@text Hello.';

/** Milliseconds from the prompt to the first `agent.text` on a socket that is connected. */
export async function ofServer(socket: Socket, metadata: object, prompt = HELLO): Promise<number> {
  const spoke = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<unknown>();
  const onData = ({ type }: { type: string }) => {
    if (type === 'agent.text') spoke.resolve(performance.now());
    if (type !== 'execution.finished') return;
    spoke.reject(new Error('the execution ended without a word'));
    ended.resolve(undefined);
  };
  socket.on('claude-code-data', onData);
  const sent = performance.now();
  const answer = (await socket.emitWithAck('claude-code-stream', {
    action: 'generate',
    prompt,
    metadata,
  })) as {
    error?: unknown;
  };
  if (answer.error !== undefined) throw new Error(`refused: ${JSON.stringify(answer.error)}`);
  const after = (await spoke.promise) - sent;
  await ended.promise;
  socket.off('claude-code-data', onData);
  return after;
}

/** The environment that the product gives its CLI, so that all run the same program in the same way. */
async function bare({
  directory,
  model,
}: Ground): Promise<{ binary: string; cwd: string; env: NodeJS.ProcessEnv }> {
  const { claudeBinary } = await built<typeof ClaudeBinary>('agents/claude-code/claude-binary.js');
  // One home for all rounds: what the CLI keeps from its first start is to its advantage.
  const cwd = join(directory, 'bare');
  await mkdir(cwd, { recursive: true });
  return {
    binary: claudeBinary(process.env.CLAUDE_CODE_BINARY),
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: cwd,
      ANTHROPIC_BASE_URL: model,
      ANTHROPIC_API_KEY: 'sk-benchmark',
      ANTHROPIC_MODEL: 'claude-sonnet-5-5',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    },
  };
}

/** Milliseconds from the start of `claude -p` to the first text that it prints. */
export async function ofCli(ground: Ground, prompt = HELLO): Promise<number> {
  const begun = performance.now();
  const texts = textOfCli(ground, prompt);
  const { done } = await texts.next();
  const after = performance.now() - begun;
  if (done === true) throw new Error('the CLI said nothing');
  await Array.fromAsync(texts); // to its end
  return after;
}

/** The text that `claude -p` prints, piece by piece; at its end the CLI has ended. */
export async function* textOfCli(ground: Ground, prompt: string): AsyncGenerator<string> {
  const { binary, cwd, env } = await bare(ground);
  const flags = ['-p', '--output-format', 'stream-json', '--include-partial-messages', '--verbose'];
  const cli = spawn(binary, [...flags, prompt], { cwd, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(cli, 'exit');
  for await (const line of createInterface({ input: cli.stdout })) {
    const text = textOf(JSON.parse(line) as SDKMessage);
    if (text !== undefined) yield text;
  }
  await exited;
}

/** Milliseconds from the prompt to the first text of a session that the Agent SDK has started ahead. */
export async function ofWarmSdk(ground: Ground, prompt = HELLO): Promise<number> {
  const { binary, cwd, env } = await bare(ground);
  const options: Options = {
    pathToClaudeCodeExecutable: binary,
    cwd,
    env,
    settingSources: [],
    persistSession: false,
    includePartialMessages: true,
  };
  await using session = await startup({ options });
  const begun = performance.now();
  let after: number | undefined;
  for await (const message of session.query(prompt))
    if (textOf(message) !== undefined) after ??= performance.now() - begun;
  if (after === undefined) throw new Error('the SDK’s session said nothing');
  return after;
}

const textOf = (message: SDKMessage): string | undefined =>
  message.type === 'stream_event' &&
  message.event.type === 'content_block_delta' &&
  message.event.delta.type === 'text_delta'
    ? message.event.delta.text
    : undefined;
