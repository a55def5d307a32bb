/** One command from the first word to the exit code: files there, execution followed, answer printed, changes back. */
import {
  type CaissonClient,
  CaissonError,
  type ClaudeCodeRequest,
  type ClaudeCodeResponse,
} from '../client/client.js';
import { type BroughtBack, bringBack } from './bring-back.js';
import { connect } from './connection.js';
import { CommandError, ending, EXIT, exitCodeOf } from './exit-codes.js';
import type { Host } from './host.js';
import { followed } from './follow.js';
import { Interruption } from './interruption.js';
import { answerText } from './output/answer-text.js';
import { colouredDiff } from './output/diff.js';
import { LiveView } from './output/live-view.js';
import { printable } from './output/printable.js';
import { StatusLine } from './output/status-line.js';
import type { Terminal } from './output/terminal.js';
import { defined, type Settings } from './settings.js';
import { insideOf, existingDirectory } from './files/tree.js';
import { workplaceOf } from './workplace.js';

export interface Order {
  action: ClaudeCodeRequest['action'];
  /** Given the path as the server has it ('.' for all): what is asked for. */
  prompt: (path: string) => string;
  /** What it is about, as it was typed. */
  path?: string;
  /** The command's own. */
  options?: NonNullable<ClaudeCodeRequest['options']>;
  context?: NonNullable<ClaudeCodeRequest['context']>;
  /** Its result are changed files. */
  writes: boolean;
  /** Nothing is put in place. */
  dryRun?: boolean;
  output?: string;
  backup?: boolean;
}

/** @returns the exit code */
export async function run(order: Order, settings: Settings, host: Host, terminal: Terminal): Promise<number> {
  // Before anything is started or sent: most mistakes are in a path.
  const root = settings.project === undefined ? existingDirectory(settings.directory) : undefined;
  const path = order.path === undefined || root === undefined ? order.path : insideOf(root, order.path);
  let cancel: () => void = () => undefined;
  using interruption = new Interruption(() => {
    terminal.say(terminal.err('yellow', 'Cancelling … (again to leave at once)'));
    cancel();
  });
  using preparing = new StatusLine(terminal, 'getting ready');
  await using connection = await connect(settings, host, terminal);
  const { client } = connection;
  try {
    const place = await workplaceOf(
      settings,
      connection,
      terminal,
      interruption.signal,
      path === undefined ? [] : [path],
    );
    const request = requestOf(order, settings, place.projectId, path, place.local !== undefined);
    preparing.end();
    using view = new LiveView(terminal, settings.format !== 'json');
    const response = await followed(client, request, {
      signal: interruption.signal,
      onCancel: (action) => (cancel = action),
      onEvent: (event) => view.show(event),
      onInterruption: (error) =>
        terminal.say(terminal.err('yellow', `Connection lost (${printable(error.message)}); trying again …`)),
    });
    terminal.endLine();
    if (terminal.streams.stderr.isTTY === true) view.end(response);
    const done: Done = { client, order, settings, response, shownText: view.shownText };
    if (interruption.signal.aborted) return cancelled(done, terminal);
    if (!response.success) return failed(done, terminal);
    if (!order.writes || order.dryRun === true || place.local === undefined)
      return await answered(done, terminal);
    const { local } = place;
    return await changed(done, terminal, () =>
      bringBack(
        client,
        {
          ids: [response.metadata.executionId],
          local,
          ...defined({ output: order.output }),
          backup: order.backup === true,
          yes: settings.yes,
        },
        terminal,
        interruption.signal,
      ),
    );
  } catch (error) {
    throw interruption.signal.aborted ? cancelledBy(error) : error;
  }
}

/** Whatever was waited for broke off, in words of its own. */
const cancelledBy = (error: unknown): Error =>
  error instanceof CommandError || error instanceof CaissonError
    ? error
    : new CommandError('cancelled', EXIT.cancelled);

interface Done {
  client: CaissonClient;
  order: Order;
  settings: Settings;
  response: ClaudeCodeResponse;
  shownText: boolean;
}

function requestOf(
  order: Order,
  settings: Settings,
  projectId: string,
  path: string | undefined,
  local: boolean,
): ClaudeCodeRequest {
  const { model, engine, maxTokens, timeout, language, framework, continue: earlier } = settings;
  // The files here are changed by us, after a look: the server only says what it would do. Where it works on files of
  // its own, it does what it was asked.
  const dryRun =
    order.action === 'generate' || order.action === 'refactor' ? local || order.dryRun : undefined;
  const named = path === undefined || path === '' || path === '.' ? undefined : path;
  return {
    action: order.action,
    prompt: order.prompt(named ?? '.'),
    options: {
      ...defined({ model, engine, maxTokens, timeout, continue: earlier, ...order.options }),
      ...(settings.formatAsked ? { format: settings.format } : {}),
      ...(dryRun === true ? { dryRun } : {}),
      ...(order.backup === true && !local && dryRun !== true ? { backup: true } : {}),
      ...(settings.cache ? {} : { cache: 'off' as const }),
    },
    context: {
      ...defined({ language, framework, ...order.context }),
      ...(named === undefined ? {} : { files: [named] }),
    },
    metadata: { projectId, timestamp: Date.now() },
  };
}

/** Also one that ended otherwise in the same moment: Ctrl-C reaches the processes below this one as well. */
function cancelled({ response, settings }: Done, terminal: Terminal): number {
  if (settings.format === 'json') printDocument(response, terminal);
  terminal.say(terminal.err('yellow', `Cancelled (execution ${response.metadata.executionId})`));
  return EXIT.cancelled;
}

function failed({ response, settings }: Done, terminal: Terminal): number {
  const { error, result, metadata } = response;
  if (settings.format === 'json') printDocument(response, terminal);
  const code = error?.code ?? 'E099';
  terminal.say(
    terminal.err(
      'red',
      `${code} ${printable(error?.message ?? 'failed')} (execution ${metadata.executionId})`,
    ),
  );
  const files = result?.files?.length ?? 0;
  if (files > 0) terminal.say(`It had changed ${files} file(s); nothing of that was put in place.`);
  return exitCodeOf(code);
}

/** What only answers, and a dry run, whose answer to a program is the diff. */
async function answered(
  { client, order, settings, response, shownText }: Done,
  terminal: Terminal,
): Promise<number> {
  const diff = order.dryRun === true ? await client.diff(response.metadata.executionId) : undefined;
  if (settings.format === 'json')
    printDocument(diff === undefined ? response : { ...response, diff }, terminal);
  else if (diff === undefined || terminal.live) {
    terminal.print(shown(answerText(response, settings.format, shownText), terminal));
    if (diff !== undefined)
      terminal.print(
        diff === ''
          ? 'No file would be changed.\n'
          : colouredDiff(diff, (style, line) => terminal.out(style, line)),
      );
  } else terminal.print(diff);
  return EXIT.succeeded;
}

/** The answer comes first: what becomes of the changes may depend on a question. */
async function changed(
  { settings, response, shownText }: Done,
  terminal: Terminal,
  back: () => Promise<BroughtBack>,
): Promise<number> {
  if (settings.format !== 'json') {
    terminal.print(shown(answerText(response, settings.format, shownText), terminal));
    await back();
    return EXIT.succeeded;
  }
  try {
    printDocument({ ...response, applied: await back() }, terminal);
    return EXIT.succeeded;
  } catch (error) {
    // One document, whatever happens.
    printDocument({ ...response, applied: { files: [], problem: ending(error).message } }, terminal);
    throw error;
  }
}

/** At a terminal as text that cannot be anything else; in a pipe as it is. */
const shown = (text: string, terminal: Terminal): string => (terminal.live ? printable(text) : text);

const printDocument = (document: object, terminal: Terminal): void => {
  const text = JSON.stringify(document, undefined, 2);
  // JSON escapes the controls that terminals obey, except those above 0x7f.
  terminal.print(`${terminal.live ? printable(text) : text}\n`);
};
