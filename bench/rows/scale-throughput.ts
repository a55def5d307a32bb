/** What more workers bring. */
import { type Cluster, startCluster, withoutServices } from '../support/cluster.ts';
import { clearLine, fillLine } from '../support/line.ts';
import type { Ground, Row } from '../support/row.ts';
import type { Server } from '../support/server.ts';
import { ratios } from '../support/statistics.ts';
import { standInCli } from '../support/stand-in-cli.ts';
import { until } from '../support/until.ts';

/** Milliseconds that the stand-in takes for a prompt. */
const TURN_MS = 50;
/** What each worker carries out at once: few, so that with one worker it is the places that limit, not the processors. */
const PLACES = 2;
const WORKERS = [1, 2, 4] as const;
/** Each worker has so many behind it before it is measured: what is made on first use is made. */
const RUN_IN = 5;
const REQUEST = { action: 'generate', prompt: 'Say hello.' };

export const scaleThroughput: Row = {
  name: 'scale-throughput',
  measures:
    `executions that end in a second, of many users who wait, at 1, 2 and 4 workers with ${PLACES} places each, on Redis and PostgreSQL; ` +
    `a stand-in for the CLI takes ${TURN_MS} ms for each, in the real sandbox; and that rate beside the one of 1 worker`,
  note:
    'Workers, api, Redis, PostgreSQL and the sandboxes of all of them share the processors of this one machine: with two of them the ' +
    'factor cannot be more than what one worker leaves free, and says nothing of workers on machines of their own.',
  lacks: withoutServices,
  async run(ground) {
    const cli = { CLAUDE_CODE_BINARY: await standInCli(ground.directory, TURN_MS) };
    await using cluster = await startCluster(ground);
    await using api = await cluster.start('api');
    const rates = new Map<number, number[]>(WORKERS.map((count) => [count, []]));
    // Once for nothing: the workspaces are made.
    for (let round = ground.quick ? 0 : -1; round < (ground.quick ? 1 : 5); round += 1)
      // Backwards every other time: nobody always comes after the same one.
      for (const count of round % 2 === 0 ? WORKERS : WORKERS.toReversed()) {
        const rate = await measure(ground, { cluster, api, count, cli });
        ground.say(`${count} workers: ${rate.toFixed(1)} executions a second`);
        if (round >= 0) rates.get(count)?.push(rate);
      }
    const of = (count: number) => rates.get(count) ?? [];
    return WORKERS.flatMap((count) => [
      { name: `${count} workers`, unit: 'executions/s' as const, samples: of(count) },
      ...(count === 1
        ? []
        : [{ name: `${count} workers ÷ 1`, unit: '×' as const, samples: ratios(of(count), of(1)) }]),
    ]);
  },
};

interface Crew {
  cluster: Cluster;
  api: Server;
  count: number;
  cli: NodeJS.ProcessEnv;
}

/** Executions that end in a second while all of the workers have enough to do. */
async function measure({ quick }: Ground, { cluster, api, count, cli }: Crew): Promise<number> {
  const ended = quick ? 40 : 200;
  await fillLine(cluster, api, REQUEST, { executions: 10 * ended, users: 50 });
  await using crew = new AsyncDisposableStack();
  const begun = Date.now();
  const settings = { ...cli, CLAUDE_CODE_MAX_CONCURRENT: String(PLACES) };
  for (const worker of await Promise.all(
    Array.from({ length: count }, () => cluster.start('worker', settings)),
  ))
    crew.use(worker);
  const busy = async () => {
    const rows = await cluster.query<{ of: string }>(
      `select "processId" as of from executions where "endedAt" > $1 group by 1 having count(*) >= ${RUN_IN}`,
      [begun],
    );
    return rows.length >= count;
  };
  await until(busy, `${count} workers work`);
  const from = Date.now();
  const ends = () =>
    cluster.query<{ endedAt: string; status: string }>(
      `select "endedAt", status from executions where "endedAt" > $1 order by "endedAt" limit ${ended}`,
      [from],
    );
  await until(async () => (await ends()).length === ended, `${ended} executions end`, 300_000);
  const rows = await ends();
  const failed = rows.filter(({ status }) => status !== 'succeeded');
  if (failed.length > 0)
    throw new Error(`${failed.length} of ${ended} executions ended ${failed[0]?.status}`);
  await clearLine(cluster);
  return (ended / (Number(rows.at(-1)?.endedAt) - from)) * 1000;
}
