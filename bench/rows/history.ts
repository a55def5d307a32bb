/** Whether the past makes the present slow: the same questions to a short and to a very long history. */
import { join } from 'node:path';
import { fill, type Past } from '../support/filled-database.ts';
import { interleave } from '../support/interleave.ts';
import type { Figure, Ground, Row } from '../support/row.ts';
import { type Server, startServer } from '../support/server.ts';
import { median, ratios } from '../support/statistics.ts';

const SHORT = 1000;
const GOAL = { atMost: 1.3 };

/** A page of 50, the 20 oldest that match, or the last 20 events of a log: as much to answer in either past. */
const QUESTIONS: Readonly<Record<string, (past: Past, rows: number) => string>> = {
  'list, first page': () => '/api/executions',
  'list, from the middle': ({ middle }) => `/api/executions?cursor=${middle}`,
  'list, by status': () => '/api/executions?status=failed',
  'list, by project': () => '/api/executions?projectId=old',
  'list, by an action never used': () => '/api/executions?action=review',
  'resume at the end of a log': ({ longest }, rows) => `/api/executions/${longest}/events?after=${rows - 20}`,
  'audit, first page': () => '/api/audit',
  'audit, from the middle': (_past, rows) => `/api/audit?cursor=${Math.floor(rows / 2)}`,
  'audit, up to a time long ago': ({ begunAt }) => `/api/audit?to=${begunAt + 51_000}`,
};

/** Questions asked in one round: one alone is too short for the clock. */
const TIMES = 40;

export const history: Row = {
  name: 'history',
  measures:
    'lists, the end of a log and audit pages, at 1 000 000 executions / events / entries beside 1 000',
  async run(ground) {
    const length = ground.quick ? 10_000 : 1_000_000;
    await using short = await withPast(ground, SHORT);
    await using long = await withPast(ground, length);
    const figures: Figure[] = [];
    for (const [name, path] of Object.entries(QUESTIONS)) {
      const ask = async ({ server, past, rows }: Aged) => {
        const begun = performance.now();
        for (let time = 0; time < TIMES; time += 1) await server.call('GET', path(past, rows));
        return (performance.now() - begun) / TIMES;
      };
      await interleave(1, { warmUp: () => ask(short), too: () => ask(long) });
      const times = await interleave(ground.quick ? 2 : 15, {
        short: () => ask(short),
        long: () => ask(long),
      });
      ground.say(`${name}: ${median(times.short).toFixed(2)} → ${median(times.long).toFixed(2)} ms`);
      figures.push({ name, unit: '×', samples: ratios(times.long, times.short), goal: GOAL });
    }
    return figures;
  },
};

interface Aged extends AsyncDisposable {
  server: Server;
  past: Past;
  rows: number;
}

async function withPast(ground: Ground, rows: number): Promise<Aged> {
  const CAISSON_DATA = join(ground.directory, `past-${rows}`);
  const past = await fill(CAISSON_DATA, rows);
  ground.say(`a past of ${rows} executions, events and audit entries is written`);
  const server = await startServer(ground, { CAISSON_DATA });
  return { server, past, rows, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
