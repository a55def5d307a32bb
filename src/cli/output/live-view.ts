/** An execution while it runs, at a terminal: its text as it comes, a line for each tool, what it has cost so far. */
import type { ClaudeCodeResponse, ExecutionEvent, ModelUsage } from '../../client/client.js';
import { dollars, elapsed, tokens } from './amounts.js';
import { oneLine, printable } from './printable.js';
import { StatusLine } from './status-line.js';
import type { Terminal } from './terminal.js';

/** Fields of a tool's input that say best what it does, the first that is there. */
const TELLING = ['command', 'file_path', 'path', 'notebook_path', 'pattern', 'query', 'description'] as const;

export class LiveView implements Disposable {
  /** True once text was shown that need not be shown again at the end. */
  shownText = false;
  private readonly status: StatusLine;

  /** @param showsText false when what is printed is one document, which nothing may be mixed with */
  constructor(
    private readonly terminal: Terminal,
    private readonly showsText: boolean,
  ) {
    this.status = new StatusLine(terminal, 'waiting');
  }

  [Symbol.dispose](): void {
    this.status.end();
  }

  show(event: ExecutionEvent): void {
    switch (event.type) {
      case 'execution.queued':
        return this.status.show('queued');
      case 'execution.started':
        return this.status.show(event.data.attempt > 1 ? `started again (${event.data.attempt})` : 'started');
      case 'agent.text':
        this.status.show('writing');
        return this.text(event.data.text);
      case 'agent.thinking':
        return this.status.show('thinking');
      case 'agent.tool_use':
        this.status.show(`${event.data.name} runs`);
        return this.tool(event.data.name, event.data.input);
      case 'agent.tool_result':
        this.status.show('working');
        return event.data.isError ? this.failedTool(event.data.output) : undefined;
      case 'usage.updated':
        return this.status.show(`working · ${account(Object.values(event.data.models))}`);
      case 'agent.engine':
        return this.engine(event.data);
      case 'workspace.changed':
      case 'execution.finished':
        return this.status.show('ending');
    }
  }

  /** How it ended, in one line. */
  end({ success, action, metadata, error }: ClaudeCodeResponse): void {
    this.status.end();
    const parts = [
      metadata.cached === true ? 'a kept answer' : elapsed(metadata.duration),
      tokens(metadata.tokensUsed),
      ...(metadata.costUsd === undefined ? [] : [dollars(metadata.costUsd)]),
      metadata.model,
    ];
    const { terminal } = this;
    const mark = success
      ? terminal.err('green', `✓ ${action} succeeded`)
      : terminal.err('red', `✗ ${action} ended with ${error?.code ?? 'an error'}`);
    terminal.say(`${mark} ${terminal.err('dim', `· ${printable(parts.join(' · '))}`)}`);
  }

  private text(text: string): void {
    if (!this.showsText || !this.terminal.live) return;
    this.shownText = true;
    this.terminal.print(printable(text));
  }

  private tool(name: string, input: unknown): void {
    // The answer itself, in the form that was asked for: it is shown at the end.
    if (!this.seen || name === 'StructuredOutput') return;
    this.deed(name, tellingOf(input));
  }

  private engine({
    name,
    reasons,
    handedOver,
  }: Extract<ExecutionEvent, { type: 'agent.engine' }>['data']): void {
    const why = handedOver === true ? reasons.join('; ') : `by ${name}`;
    this.status.show(why);
    if (this.seen && handedOver === true) this.deed(name, why);
  }

  /** One line: who or what, and of it what fits. */
  private deed(name: string, text: string): void {
    const { terminal } = this;
    const width = terminal.width - name.length - 4;
    terminal.say(`${terminal.err('cyan', `● ${printable(name)}`)} ${oneLine(text, width)}`);
  }

  private failedTool(output: string): void {
    if (!this.seen) return;
    this.terminal.say(this.terminal.err('red', `  ✗ ${oneLine(output, this.terminal.width - 4)}`));
  }

  private get seen(): boolean {
    return this.terminal.streams.stderr.isTTY === true;
  }
}

function tellingOf(input: unknown): string {
  if (typeof input === 'string') return input;
  if (typeof input !== 'object' || input === null) return '';
  const fields = input as Record<string, unknown>;
  const name = TELLING.find((field) => typeof fields[field] === 'string');
  return name === undefined ? JSON.stringify(input) : String(fields[name]).replace(/^\/workspace\//, '');
}

function account(models: readonly ModelUsage[]): string {
  const sum = (of: (usage: ModelUsage) => number) => models.reduce((total, usage) => total + of(usage), 0);
  const used = sum(
    (usage) => usage.inputTokens + usage.outputTokens + usage.cacheCreationTokens + usage.cacheReadTokens,
  );
  const known = models.every(({ costUsd }) => costUsd !== undefined);
  return `${tokens(used)}${known ? ` · ${dollars(sum(({ costUsd = 0 }) => costUsd))}` : ''}`;
}
