/** Drives the real Claude Code CLI, without a sandbox, over a socket of the model gateway: what the rehearsal must stand. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { query, type SDKMessage } from '@anthropic-ai/claude-agent-sdk';

export interface CliOrder {
  socketPath: string;
  cwd: string;
  prompt: string;
  /** As Caisson's commands write it into the system prompt. */
  command?: string;
  schema?: Record<string, unknown>;
  model?: string;
}

export interface CliResult {
  messages: SDKMessage[];
  /** Names of the tools that were called, in order. */
  tools: string[];
  text: string;
  structured?: unknown;
  /** The error that the SDK threw, if it did. */
  error?: string;
}

export async function runClaude({
  socketPath,
  cwd,
  prompt,
  command,
  schema,
  model,
}: CliOrder): Promise<CliResult> {
  const bridge = await bridgeTo(socketPath);
  const lines = [
    `Working directory: ${cwd}`,
    ...(command === undefined ? [] : [`Caisson command: ${command}`]),
  ];
  const result: CliResult = { messages: [], tools: [], text: '' };
  async function* input() {
    yield {
      type: 'user' as const,
      message: { role: 'user' as const, content: prompt },
      parent_tool_use_id: null,
    };
  }
  try {
    const running = query({
      prompt: input(),
      options: {
        cwd,
        settingSources: [],
        strictMcpConfig: true,
        model: model ?? 'claude-sonnet-5-5',
        persistSession: false,
        systemPrompt: { type: 'preset', preset: 'claude_code', append: lines.join('\n') },
        ...(schema === undefined ? {} : { outputFormat: { type: 'json_schema', schema } }),
        canUseTool: async (_name, toolInput) => ({ behavior: 'allow', updatedInput: toolInput }),
        env: {
          PATH: process.env.PATH,
          HOME: cwd,
          ANTHROPIC_BASE_URL: bridge.url,
          ANTHROPIC_API_KEY: 'sk-client',
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          CLAUDE_CODE_MAX_RETRIES: '2',
          DISABLE_AUTOUPDATER: '1',
        },
        spawnClaudeCodeProcess: ({ command: program, args, env, cwd: directory, signal }) =>
          spawn(program, args, { cwd: directory, env, signal, stdio: ['pipe', 'pipe', 'ignore'] }),
      },
    });
    for await (const message of running) collect(message, result);
  } catch (error) {
    result.error = String(error);
  } finally {
    bridge.close();
  }
  return result;
}

function collect(message: SDKMessage, result: CliResult): void {
  result.messages.push(message);
  if (message.type === 'assistant')
    for (const block of message.message.content) if (block.type === 'tool_use') result.tools.push(block.name);
  if (message.type !== 'result' || message.subtype !== 'success') return;
  result.text = message.result;
  result.structured = message.structured_output;
}

/** What socat does in the sandbox: TCP on the loopback interface to the unix socket. */
async function bridgeTo(socketPath: string): Promise<{ url: string; close: () => void }> {
  const server = createServer((inside) => {
    const outside = connect(socketPath);
    inside.pipe(outside).pipe(inside);
    for (const [one, other] of [
      [inside, outside],
      [outside, inside],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}
