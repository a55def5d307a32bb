/** What a plain call costs: guard, throttle, log, audit and database, beside a route that has none of it. */
import { join } from 'node:path';
import type { LoadOrder } from '../programs/load.ts';
import { Child, WATCHED } from '../support/child.ts';
import { fill } from '../support/filled-database.ts';
import { interleave } from '../support/interleave.ts';
import { CACHE_BY_DEFAULT, KEPT, untilKept } from '../support/kept-answer.ts';
import type { Figure, Goal, Row } from '../support/row.ts';
import { SECRET, type Server, startServer } from '../support/server.ts';
import { ratios } from '../support/statistics.ts';

const CONNECTIONS = 16;
const PAST = 1000;
const GOAL: Goal = { atLeast: 0.6 };

export const controlPlane: Row = {
  name: 'control-plane',
  measures:
    'requests that a second of the server’s processor time answers: `GET /api/executions/:id`, of the list (a page of 50) and of a submission that is replayed ' +
    'by its Idempotency-Key, beside a bare Nest + Express route that answers the same bytes; and of a submission whose answer ' +
    'is kept, beside the same route',
  note:
    'A call here is what the bare route has none of: a key hashed and known, two counters, an id, fourteen security ' +
    'headers, a line in the log, the audit’s interceptor, the row itself read from the database and parsed. After the keys, the ' +
    'rows and an error that was made for each request were cut from the profile, no function of ours has more than 5 % ' +
    'of it: the rest is Express and Nest passing on some fifteen steps. Both are one thread, so processor time is what limits them; it does not depend on what else the machine does. ' +
    'The absolute rates are with the client on the same machine. A submission whose answer is kept writes an execution with ' +
    'all its records; no route without a database can be a goal for that.',
  async run(ground) {
    const CAISSON_DATA = join(ground.directory, 'past');
    const { middle } = await fill(CAISSON_DATA, PAST);
    await using server = await startServer(ground, { CAISSON_DATA, ...CACHE_BY_DEFAULT });
    const body = { action: 'generate', prompt: 'Say hello.\n@text Hello.' };
    const key = { 'idempotency-key': 'benchmark' };
    const { id } = await server.call<{ id: string }>('POST', '/api/executions', body, key);
    await server.ended(id);
    await untilKept(server);
    const paths = { get: `/api/executions/${middle}`, list: '/api/executions', submit: '/api/executions' };
    const answers = {
      get: await server.call('GET', paths.get),
      list: await server.call('GET', paths.list),
      submit: await server.call('POST', paths.submit, body, key),
    };
    await using bare = new Child('bare-nest', answers, WATCHED);
    const { url } = await bare.next<{ url: string }>();
    const headers = { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' };
    const post = { method: 'POST', headers: { ...headers, ...key }, body: JSON.stringify(body) } as const;
    const kept = { method: 'POST', headers, body: JSON.stringify(KEPT) } as const;
    const get = { method: 'GET', headers } as const;
    const questions: Record<string, { ours: Question; bare: Question; goal?: Goal }> = {
      'GET /api/executions/:id': {
        ours: { path: paths.get, ...get },
        bare: { path: '/api/executions/one', ...get },
        goal: GOAL,
      },
      'GET /api/executions': {
        ours: { path: paths.list, ...get },
        bare: { path: paths.list, ...get },
        goal: GOAL,
      },
      'submit-replayed': {
        ours: { path: paths.submit, ...post },
        bare: { path: paths.submit, ...post },
        goal: GOAL,
      },
      'submit-cached': { ours: { path: paths.submit, ...kept }, bare: { path: paths.submit, ...kept } },
    };
    const figures: Figure[] = [];
    for (const [name, { ours, bare: beside, goal }] of Object.entries(questions)) {
      const rates: number[] = [];
      const perCpuSecond = (load: Child, on: Server | Child) => async () => {
        const before = await on.look();
        load.send({ forMs: ground.quick ? 200 : 2000 });
        const { answered, ms } = await load.next<{ answered: number; ms: number }>();
        if (on === server) rates.push((answered / ms) * 1000);
        return (answered / ((await on.look()).cpuMs - before.cpuMs)) * 1000;
      };
      await using one = new Child('load', { url: server.url, connections: CONNECTIONS, ...ours });
      await using other = new Child('load', { url, connections: CONNECTIONS, ...beside });
      const contenders = { ours: perCpuSecond(one, server), bare: perCpuSecond(other, bare) };
      // Once for nothing: code that has not been compiled yet would be measured otherwise.
      await interleave(1, contenders);
      const perCpu = await interleave(ground.quick ? 1 : 11, contenders);
      figures.push(
        { name, unit: 'requests/s', samples: rates.slice(1) },
        {
          name: `${name} ÷ bare route`,
          unit: '×',
          samples: ratios(perCpu.ours, perCpu.bare),
          goal,
        },
      );
    }
    return figures;
  },
};

type Question = Omit<LoadOrder, 'url' | 'connections'>;
