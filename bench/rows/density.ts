/** What the server itself holds in memory. The CLIs are not its own: the operating system shares their binary. */
import { HELLO } from '../support/first-token.ts';
import { poolOf, untilWarm, warmUp } from '../support/pool.ts';
import type { Row } from '../support/row.ts';
import { type Server, startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const MB = 1e6;

export const density: Row = {
  name: 'density',
  measures:
    "resident memory of the server's own process, its garbage collected: idle, and for each running execution and each warm sandbox",
  note:
    'Idle, 60 MB are the pages of the Node executable and most of the rest is loaded code. The Agent SDK, some 10 MB, comes ' +
    'with the first sandbox: a process that only answers calls never has it.',
  async run(ground) {
    const running = ground.quick ? 2 : 8;
    const idle: number[] = [];
    const each: number[] = [];
    for (let round = 0; round < (ground.quick ? 1 : 5); round += 1) {
      await using server = await startServer(ground, {
        CLAUDE_CODE_MAX_CONCURRENT: String(running),
      });
      idle.push((await server.look(true)).rss / MB);
      // Once around before, so that what is made on first use is not counted for the executions.
      const first = await start(server, running, HELLO);
      await Promise.all(first.map((id) => server.ended(id)));
      const before = (await server.look(true)).rss;
      const ids = await start(server, running, '@text Working.\n@hang');
      await until(async () => (await spoken(server, ids)) === running, 'all of them work');
      each.push(((await server.look(true)).rss - before) / running / MB);
      await Promise.all(ids.map((id) => server.call('POST', `/api/executions/${id}/cancel`)));
    }
    const warm: number[] = [];
    for (let round = 0; round < (ground.quick ? 1 : 5); round += 1) {
      await using server = await startServer(ground, poolOf(running));
      await warmUp(server, 'first');
      await untilWarm(server, 1);
      const before = (await server.look(true)).rss;
      for (let index = 1; index < running; index += 1) await warmUp(server, `p${index}`);
      await untilWarm(server, running);
      warm.push(((await server.look(true)).rss - before) / (running - 1) / MB);
    }
    return [
      { name: 'idle', unit: 'MB', samples: idle, goal: { atMost: 160 } },
      { name: 'each running execution', unit: 'MB', samples: each, goal: { atMost: 2 } },
      { name: 'each warm sandbox', unit: 'MB', samples: warm, goal: { atMost: 2 } },
    ];
  },
};

/** Each in a project of its own. */
async function start(server: Server, count: number, prompt: string): Promise<string[]> {
  const views = await Promise.all(
    Array.from({ length: count }, (_, index) => server.submit(prompt, { projectId: `p${index}` })),
  );
  return views.map(({ id }) => id);
}

/** How many have said something. */
async function spoken(server: Server, ids: readonly string[]): Promise<number> {
  const third = (id: string) =>
    server.call<{ type: string }>('GET', `/api/executions/${id}/events/3`).then(
      ({ type }) => type === 'agent.text',
      () => false, // not there yet
    );
  return (await Promise.all(ids.map(third))).filter(Boolean).length;
}
