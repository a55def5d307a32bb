/** Says what is reachable, link by link, by really going the way: to the server, with the key, into a sandbox, to the model. */
import { CaissonError, type ClaudeCodeResponse, type ExecutionEvent } from '../client/client.js';
import { connect, remote } from './connection.js';
import { ending, EXIT, exitCodeOf } from './exit-codes.js';
import { followed } from './follow.js';
import type { Host } from './host.js';
import { Interruption } from './interruption.js';
import { elapsed, tokens } from './output/amounts.js';
import { printable } from './output/printable.js';
import type { Terminal } from './output/terminal.js';
import { defined, type Settings } from './settings.js';

interface Link {
  name: 'server' | 'key' | 'sandbox' | 'cli' | 'model';
  ok: boolean;
  /** What was found, or what is wrong. */
  detail: string;
}

const LABELS = {
  server: 'server',
  key: 'API key',
  sandbox: 'sandbox',
  cli: 'Claude Code',
  model: "model's service",
} as const satisfies Record<Link['name'], string>;

/** A project of its own, so that the question meets no files; and the cheapest question there is. */
const PROJECT = 'cli-test-connection';
const QUESTION = 'Answer with the one word "ready". Use no tools and read no files.';
const SECONDS = 60;

/** @returns 0, or the exit code of the first link that does not hold */
export async function testConnection(settings: Settings, host: Host, terminal: Terminal): Promise<number> {
  const links: Link[] = [];
  const exitCode = await walk(settings, host, terminal, (link) => {
    links.push(link);
    if (settings.format === 'json') return;
    const mark = link.ok ? terminal.out('green', '✓') : terminal.out('red', '✗');
    terminal.print(`${mark} ${LABELS[link.name].padEnd(16)}${printable(link.detail)}\n`);
  });
  if (settings.format === 'json')
    terminal.print(`${JSON.stringify({ ok: exitCode === EXIT.succeeded, links }, undefined, 2)}\n`);
  return exitCode;
}

async function walk(
  settings: Settings,
  host: Host,
  terminal: Terminal,
  tell: (link: Link) => void,
): Promise<number> {
  using interruption = new Interruption(() => undefined);
  await using connection =
    settings.server === undefined ? await connect(settings, host, terminal) : remote(settings.server);
  const { client, where } = connection;
  const failed = (name: Link['name'], error: unknown): number => {
    const { message, exitCode } = ending(error);
    tell({ name, ok: false, detail: message });
    return exitCode;
  };
  try {
    // Answered 503 when anything is not ready: that is looked at below, and a server is there.
    await client.call('GET', '/health/live');
    tell({ name: 'server', ok: true, detail: `${where} answers` });
  } catch (error) {
    return failed('server', error);
  }
  try {
    const { items } = (await (await client.call('GET', '/api/executions?limit=1')).json()) as {
      items: unknown;
    };
    tell({ name: 'key', ok: Array.isArray(items), detail: 'is valid' });
  } catch (error) {
    return failed('key', error);
  }
  const started = performance.now();
  const seen = new Set<ExecutionEvent['type']>();
  let cancel: () => void = () => undefined;
  interruption.signal.addEventListener('abort', () => cancel(), { once: true });
  try {
    const response = await followed(
      client,
      {
        action: 'generate',
        prompt: QUESTION,
        options: {
          dryRun: true,
          cache: 'off',
          timeout: SECONDS * 1000,
          ...defined({ model: settings.model, engine: settings.engine }),
        },
        metadata: { projectId: PROJECT },
      },
      {
        signal: interruption.signal,
        onCancel: (action) => (cancel = action),
        onEvent: ({ type }) => seen.add(type),
        onInterruption: () => undefined,
      },
    );
    return judge(response, seen, performance.now() - started, tell);
  } catch (error) {
    // Refused before it was an execution: that there is no sandbox is the reason that is left.
    const name = error instanceof CaissonError && error.code === 'E008' ? 'key' : 'sandbox';
    return failed(name, error);
  }
}

/** Which link broke, from how far it came. */
function judge(
  { success, error, metadata }: ClaudeCodeResponse,
  seen: ReadonlySet<ExecutionEvent['type']>,
  milliseconds: number,
  tell: (link: Link) => void,
): number {
  const code = error?.code ?? 'E099';
  const detail = `${code} ${error?.message ?? ''}`.trim();
  if (!success && code === 'E012') {
    tell({ name: 'sandbox', ok: false, detail });
    return exitCodeOf(code);
  }
  tell({ name: 'sandbox', ok: true, detail: 'starts' });
  // A refusal by the model's service comes to us through the CLI, which is running then.
  const reached = success || seen.has('usage.updated') || ['E002', 'E005', 'E011'].includes(code);
  tell({ name: 'cli', ok: reached, detail: reached ? `answered in ${elapsed(milliseconds)}` : detail });
  if (!reached) return exitCodeOf(code);
  const answered = success || seen.has('usage.updated');
  tell({
    name: 'model',
    ok: success,
    detail: success
      ? `${metadata.model} answers (${tokens(metadata.tokensUsed)})`
      : `${answered ? 'answered, then ' : ''}${detail}`,
  });
  return success ? EXIT.succeeded : exitCodeOf(code);
}
