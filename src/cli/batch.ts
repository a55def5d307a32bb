/** Many requests from a file, one JSON object a line; their results come out the same way. */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import {
  type Batch,
  type BatchItem,
  type CaissonClient,
  CaissonError,
  type ClaudeCodeRequest,
  type ClaudeCodeResponse,
} from '../client/client.js';
import { bringBack } from './bring-back.js';
import { connect } from './connection.js';
import { CommandError, EXIT, exitCodeOf } from './exit-codes.js';
import type { Host } from './host.js';
import { Interruption } from './interruption.js';
import { StatusLine } from './output/status-line.js';
import type { Terminal } from './output/terminal.js';
import { defined, type Settings } from './settings.js';
import { workplaceOf } from './workplace.js';

export interface BatchOptions {
  /** Changes are left where they were made. */
  dryRun?: boolean;
  /** At half the price, within a day. */
  economy?: boolean;
}

interface Result {
  position: number;
  executionId: string;
  status: string;
  response?: ClaudeCodeResponse;
}

/** @returns the exit code: that of the first request that did not succeed */
export async function runBatch(
  file: string,
  { dryRun = false, economy = false }: BatchOptions,
  settings: Settings,
  host: Host,
  terminal: Terminal,
): Promise<number> {
  const requests = parse(file === '-' ? await text(terminal.streams.stdin) : readInput(file), file);
  let cancel: () => void = () => undefined;
  using interruption = new Interruption(() => {
    terminal.say(terminal.err('yellow', 'Cancelling … (again to leave at once)'));
    cancel();
  });
  await using connection = await connect(settings, host, terminal);
  const { client } = connection;
  // Those that name a project of the server work there; all others on the files of this directory.
  const place = requests.every(({ metadata }) => metadata?.projectId !== undefined)
    ? undefined
    : await workplaceOf(settings, connection, terminal, interruption.signal);
  const batch = await client.submitBatch(
    requests.map((request) => complete(request, settings, place?.projectId)),
    { signal: interruption.signal, mode: economy ? 'economy' : 'standard' },
  );
  cancel = () => void client.cancelBatch(batch.id).catch((error: unknown) => terminal.say(String(error)));
  if (interruption.signal.aborted) cancel();
  await follow(client, batch, terminal);
  const results = await resultsOf(client, batch.id);
  for (const result of results) terminal.print(`${JSON.stringify(result)}\n`);
  const worst = results.find(({ status }) => status !== 'succeeded');
  if (place?.local !== undefined && !dryRun && !interruption.signal.aborted) {
    const ids = await writersOf(client, batch.id, requests, results);
    if (ids.length > 0)
      await bringBack(
        client,
        { ids, local: place.local, backup: false, yes: settings.yes },
        terminal,
        interruption.signal,
      );
  }
  return worst === undefined ? EXIT.succeeded : exitCodeOf(worst.response?.error?.code ?? 'E099');
}

function readInput(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  }
}

/** What a request holds is for the server to judge. @throws CommandError naming every line that is no JSON object */
function parse(content: string, file: string): ClaudeCodeRequest[] {
  const problems: string[] = [];
  const requests = content.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return [value as ClaudeCodeRequest];
      problems.push(`line ${index + 1}: is no JSON object`);
    } catch (error) {
      problems.push(`line ${index + 1}: ${error instanceof Error ? error.message : String(error)}`);
    }
    return [];
  });
  if (problems.length > 0) throw new CommandError(`${file}:\n  ${problems.join('\n  ')}`);
  if (requests.length === 0) throw new CommandError(`${file}: holds no request`);
  return requests;
}

/** What a request leaves open is as on the command line. */
function complete(request: ClaudeCodeRequest, settings: Settings, projectId?: string): ClaudeCodeRequest {
  const { model, maxTokens, timeout, cache } = settings;
  return {
    ...request,
    options: {
      ...defined({ model, maxTokens, timeout }),
      ...(cache ? {} : { cache: 'off' as const }),
      ...request.options,
    },
    metadata: { ...defined({ projectId }), ...request.metadata },
  };
}

async function follow(client: CaissonClient, batch: Batch, terminal: Terminal): Promise<void> {
  using status = new StatusLine(terminal, `0 of ${batch.total}`);
  const lost = (error: Error, attempt: number) => {
    if (attempt === 1) terminal.say(`Connection lost (${error.message}); trying again …`);
  };
  for await (const item of client.batchEvents(batch.id, { onInterruption: lost })) {
    const counts = countsOf(item);
    if (counts !== undefined) status.show(counts);
  }
}

function countsOf(item: BatchItem): string | undefined {
  if (item.type !== 'batch.updated' && item.type !== 'batch.finished') return undefined;
  const { succeeded, failed, cancelled, running } = item.data.counts;
  const { total } = item.data;
  return `${succeeded + failed + cancelled} of ${total} ended · ${running} running · ${failed} failed`;
}

/** One JSON object a line, in the order of the requests. */
async function resultsOf(client: CaissonClient, id: string): Promise<Result[]> {
  const lines = await (await client.call('GET', `/api/batches/${id}/results`)).text();
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Result);
}

/** Those that changed the files of this directory, in the order in which they did: the server let them write one by one. */
async function writersOf(
  client: CaissonClient,
  batchId: string,
  requests: readonly ClaudeCodeRequest[],
  results: readonly Result[],
): Promise<string[]> {
  const writers = results.filter(
    ({ position, response }) =>
      requests[position]?.metadata?.projectId === undefined &&
      requests[position]?.options?.dryRun !== true &&
      (response?.result?.files?.length ?? 0) > 0,
  );
  const started = new Map<string, number>();
  for (let cursor: string | undefined; ;) {
    const page = await client.api.GET('/api/executions', {
      params: { query: { batchId, limit: 200, ...defined({ cursor }) } },
    });
    if (page.data === undefined)
      throw new CaissonError(undefined, 'the list was refused', page.response.status);
    for (const { id, startedAt = 0 } of page.data.items) started.set(id, startedAt);
    cursor = page.data.nextCursor;
    if (cursor === undefined) break;
  }
  return writers
    .map(({ executionId }) => executionId)
    .sort((a, b) => (started.get(a) ?? 0) - (started.get(b) ?? 0) || (a < b ? -1 : 1));
}
