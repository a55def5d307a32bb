/** Executions of a server: listed, and followed by their number. */
import type { Execution, ExecutionEvent } from '../client/client.js';
import { firstCall, remote } from './connection.js';
import { EXIT, exitCodeOf } from './exit-codes.js';
import { Interruption } from './interruption.js';
import { elapsed } from './output/amounts.js';
import { answerText } from './output/answer-text.js';
import { LiveView } from './output/live-view.js';
import { printable } from './output/printable.js';
import type { Style, Terminal } from './output/terminal.js';
import { defined, serverOf, type Settings } from './settings.js';

export interface ListOptions {
  status?: Execution['status'];
  action?: Execution['action'];
  limit?: number;
}

const STATUS_STYLES: Readonly<Record<Execution['status'], Style>> = {
  queued: 'dim',
  starting: 'cyan',
  running: 'cyan',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'yellow',
  timed_out: 'red',
};

export async function listExecutions(
  options: ListOptions,
  settings: Settings,
  terminal: Terminal,
): Promise<number> {
  const connection = remote(serverOf(settings));
  const query = new URLSearchParams(
    Object.entries(defined({ ...options, projectId: settings.project })).map(
      ([name, value]): [string, string] => [name, String(value)],
    ),
  );
  const answer = await firstCall(
    connection,
    connection.client.call('GET', `/api/executions?${query.toString()}`),
  );
  const list = (await answer.json()) as { items: Execution[] };
  if (settings.format === 'json') terminal.print(`${JSON.stringify(list, undefined, 2)}\n`);
  else for (const line of table(list.items, terminal)) terminal.print(`${line}\n`);
  return EXIT.succeeded;
}

/** Newest first; times as the machine here has them. */
function table(items: readonly Execution[], terminal: Terminal): string[] {
  const project = Math.max(7, ...items.map(({ projectId }) => projectId.length));
  return items.map((item) => {
    const ran = item.startedAt === undefined ? '' : elapsed((item.endedAt ?? Date.now()) - item.startedAt);
    return [
      item.id,
      terminal.out(STATUS_STYLES[item.status], item.status.padEnd(9)),
      item.action.padEnd(8),
      printable(item.projectId).padEnd(project),
      new Date(item.createdAt).toLocaleString('sv-SE'),
      ran,
    ]
      .join('  ')
      .trimEnd();
  });
}

/** Follows one from its first event; Ctrl-C leaves it alone and stops looking. */
export async function watch(
  id: string,
  after: number,
  settings: Settings,
  terminal: Terminal,
): Promise<number> {
  const connection = remote(serverOf(settings));
  const { client } = connection;
  await firstCall(connection, client.execution(id));
  const stopped = new AbortController();
  using interruption = new Interruption(() => stopped.abort(new Error('interrupted')));
  using view = new LiveView(terminal, settings.format !== 'json');
  try {
    const lost = (error: Error, attempt: number) =>
      attempt === 1
        ? terminal.say(`Connection lost (${printable(error.message)}); trying again …`)
        : undefined;
    for await (const event of client.events(id, { after, signal: stopped.signal, onInterruption: lost })) {
      view.show(event);
      if (settings.format === 'json') terminal.print(`${JSON.stringify(event)}\n`);
      if (event.type === 'execution.finished') return finished(event, view, settings, terminal);
    }
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    terminal.say(`Not looking any more; ${id} goes on.`);
    return EXIT.cancelled;
  }
  return EXIT.succeeded;
}

function finished(
  { data: { response } }: Extract<ExecutionEvent, { type: 'execution.finished' }>,
  view: LiveView,
  { format }: Settings,
  terminal: Terminal,
): number {
  terminal.endLine();
  if (format !== 'json') {
    const text = answerText(response, format, view.shownText);
    terminal.print(terminal.live ? printable(text) : text);
  }
  // In a pipe the answer says that it is one; how it failed is said in any case.
  if (terminal.streams.stderr.isTTY === true || !response.success) view.end(response);
  return response.success ? EXIT.succeeded : exitCodeOf(response.error?.code ?? 'E099');
}
