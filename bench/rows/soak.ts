/** Whether anything is left behind: very many executions, ended in every way there is. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { descendants } from '../../scripts/test/left-overs.mjs';
import type { Ground, Row } from '../support/row.ts';
import { SECRET, type Server, startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const PLACES = 5;
const PROJECTS = 4;

export const soak: Row = {
  name: 'soak',
  measures:
    '1 000 executions through 5 places, a quarter each left alone, cancelled, timed out, and left by their reader; all ' +
    'must end once, and leave no process, socket, file or timer',
  async run(ground) {
    const count = ground.quick ? 16 : 1000;
    const early = ground.quick ? 8 : 100;
    const data = join(ground.directory, 'soak');
    await using server = await startServer(ground, {
      CAISSON_DATA: data,
      CLAUDE_CODE_MAX_CONCURRENT: String(PLACES),
    });
    const pids: Pids = { before: descendants(server.pid).map(({ pid }) => pid) };
    const first = await batch(ground, server, 0, early);
    const before = await state(server, data, pids);
    const rest = await batch(ground, server, early, count);
    await until(
      async () => (await state(server, data, pids)).processes === 0,
      'every process is gone',
      30_000,
    );
    const after = await state(server, data, pids);
    const ends = [...first, ...rest];
    return [
      { name: 'executions', unit: 'count', samples: [ends.length] },
      {
        name: 'not ended exactly once, or not as they should',
        unit: 'count',
        samples: [ends.filter((asExpected) => !asExpected).length],
        goal: { atMost: 0 },
      },
      { name: 'processes left', unit: 'count', samples: [after.processes], goal: { atMost: 0 } },
      {
        name: 'descriptors more than after the first',
        unit: 'count',
        samples: [after.descriptors - before.descriptors],
        goal: { atMost: 0 },
      },
      {
        name: 'timers more than after the first',
        unit: 'count',
        samples: [after.timers - before.timers],
        goal: { atMost: 0 },
      },
      {
        name: 'files more than after the first',
        unit: 'count',
        samples: [after.files - before.files],
        goal: { atMost: 0 },
      },
      { name: 'RSS ÷ after the first', unit: '×', samples: [after.rss / before.rss], goal: { atMost: 1.2 } },
    ];
  },
};

/** Sandboxes of the server's own that were there before (none, without a pool). */
interface Pids {
  before: readonly number[];
}

/** Asks for one and brings about its end; answers which end that must be. */
type Way = (server: Server, index: number) => Promise<{ id: string; status: string }>;

const metadata = (index: number) => ({ projectId: `p${index % PROJECTS}` });

const leftAlone: Way = async (server, index) => {
  const prompt = `@tool Bash {"command":"echo ${index} > file.txt"}\n@text Done.`;
  return { id: (await server.submit(prompt, metadata(index))).id, status: 'succeeded' };
};

const cancelled: Way = async (server, index) => {
  const { id } = await server.submit('@text Working.\n@hang', metadata(index));
  // At any moment of its life: queued, starting or under way.
  await delay((index * 37) % 1500);
  await server.call('POST', `/api/executions/${id}/cancel`);
  return { id, status: 'cancelled' };
};

const timedOut: Way = async (server, index) => {
  const options = { timeout: 1500 };
  const request = { action: 'generate', prompt: '@text Working.\n@hang', metadata: metadata(index), options };
  const { id } = await server.call<{ id: string }>('POST', '/api/executions', request);
  return { id, status: 'timed_out' };
};

const leftByItsReader: Way = async (server, index) => {
  const { id } = await server.submit('@deltas 20 every 30ms', metadata(index));
  const leaving = new AbortController();
  const response = await fetch(`${server.url}/api/executions/${id}/events`, {
    headers: { authorization: `Bearer ${SECRET}` },
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  leaving.abort();
  return { id, status: 'succeeded' };
};

const WAYS: readonly Way[] = [leftAlone, cancelled, timedOut, leftByItsReader];

/** @returns for each execution whether it ended once, and as it should */
async function batch(ground: Ground, server: Server, from: number, to: number): Promise<boolean[]> {
  const ends: boolean[] = [];
  let next = from;
  const caller = async () => {
    while (next < to) {
      const index = next;
      next += 1;
      const way = WAYS[index % WAYS.length] ?? leftAlone;
      const { id, status } = await way(server, index);
      const asExpected = await endedOnce(server, id, status);
      if (!asExpected) ground.say(`execution ${index} did not end once as ${status}`);
      ends.push(asExpected);
      if (ends.length % 100 === 0) ground.say(`${from + ends.length} executions`);
    }
  };
  // More than there are places: some always wait.
  await Promise.all(Array.from({ length: 2 * PLACES }, caller));
  return ends;
}

/** One `execution.finished`, last, and the status that was asked for. */
async function endedOnce(server: Server, id: string, status: string): Promise<boolean> {
  const stream = await server.call<string>('GET', `/api/executions/${id}/events`);
  const types = [...stream.matchAll(/^event: (.*)$/gm)].map(([, type]) => type);
  const once = types.indexOf('execution.finished') === types.length - 1 && types.length > 0;
  return once && (await server.ended(id)).status === status;
}

/** What it holds once all its callers have gone: a kept connection is closed after five idle seconds. */
async function state(server: Server, data: string, { before }: Pids) {
  const gone = async () => (await server.look()).resources.TCPSocketWrap === undefined;
  await until(gone, 'every connection is closed', 30_000);
  const { rss, resources } = await server.look(true);
  return {
    rss,
    timers: resources.Timeout ?? 0,
    descriptors: await server.descriptors(),
    processes: descendants(server.pid).filter(({ pid }) => !before.includes(pid)).length,
    files: await filesBelow(data),
  };
}

/** What users keep is theirs, and so is what is kept of it for them, until its retention ends; everything else must be gone. */
async function filesBelow(data: string): Promise<number> {
  const entries = await readdir(data, { recursive: true, withFileTypes: true });
  const kept = ['workspaces', 'snapshots'].map((name) => join(data, name));
  return entries.filter(
    (entry) => entry.isFile() && !kept.some((directory) => entry.parentPath.startsWith(directory)),
  ).length;
}
