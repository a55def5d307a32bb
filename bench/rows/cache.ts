/** What it costs to give an answer that is kept: an execution with all its records, and nothing that runs. */
import { Child } from '../support/child.ts';
import { interleave } from '../support/interleave.ts';
import { CACHE_BY_DEFAULT, KEPT, untilKept } from '../support/kept-answer.ts';
import type { Figure, Row } from '../support/row.ts';
import { SECRET, startServer } from '../support/server.ts';
import { ratios } from '../support/statistics.ts';

const CONNECTIONS = 16;

export const cache: Row = {
  name: 'cache',
  measures:
    '`POST /api/claude-code` with an answer that is kept, beside `GET /api/executions/:id` of the same answer: requests a ' +
    'second over 16 connections, and the mean time of one request over one connection',
  note:
    'A hit is an execution: its row, its numbered events, two entries of the audit chain and its usage, committed with a ' +
    'flush to the disk before it is answered. A plain GET reads one row.',
  async run(ground) {
    await using server = await startServer(ground, CACHE_BY_DEFAULT);
    const { id } = await untilKept(server);
    const headers = { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' };
    const hit = { method: 'POST', path: '/api/claude-code', headers, body: JSON.stringify(KEPT) } as const;
    const get = { method: 'GET', path: `/api/executions/${id}`, headers } as const;
    const measured = async (connections: number, of: (answered: number, ms: number) => number) => {
      await using hits = new Child('load', { url: server.url, connections, ...hit });
      await using gets = new Child('load', { url: server.url, connections, ...get });
      const run = (load: Child) => async () => {
        load.send({ forMs: ground.quick ? 200 : 2000 });
        const { answered, ms } = await load.next<{ answered: number; ms: number }>();
        return of(answered, ms);
      };
      const contenders = { hit: run(hits), get: run(gets) };
      // Once for nothing: code that has not been compiled yet would be measured otherwise.
      await interleave(1, contenders);
      return await interleave(ground.quick ? 1 : 11, contenders);
    };
    const rate = await measured(CONNECTIONS, (answered, ms) => (answered / ms) * 1000);
    const latency = await measured(1, (answered, ms) => ms / answered);
    const figures: Figure[] = [
      { name: 'hit', unit: 'requests/s', samples: rate.hit },
      { name: 'plain GET', unit: 'requests/s', samples: rate.get },
      { name: 'hit ÷ plain GET, requests', unit: '×', samples: ratios(rate.hit, rate.get) },
      { name: 'hit, one at a time', unit: 'ms', samples: latency.hit },
      { name: 'plain GET, one at a time', unit: 'ms', samples: latency.get },
      { name: 'hit ÷ plain GET, time', unit: '×', samples: ratios(latency.hit, latency.get) },
    ];
    return figures;
  },
};
