/** Whether a long queue makes the next one slow: to be accepted behind it, and to be begun at its head. */
import { type Cluster, startCluster, withoutServices } from '../support/cluster.ts';
import { interleave } from '../support/interleave.ts';
import { fillLine } from '../support/line.ts';
import type { Ground, Row } from '../support/row.ts';
import type { Server } from '../support/server.ts';
import { standInCli } from '../support/stand-in-cli.ts';
import { median, ratios } from '../support/statistics.ts';
import { until } from '../support/until.ts';

const REQUEST = { action: 'generate', prompt: 'Say hello.' };
const TURN_MS = 50;
const GOAL = { atMost: 1.3 };
const ROOM = { QUEUE_MAX: '1000000' };
/** Dispatched before it is measured: what is made on first use is made. */
const RUN_IN = 10;

export const scaleQueue: Row = {
  name: 'scale-queue',
  measures:
    'with 100 000 waiting executions (1 000 users, 100 each) in PostgreSQL, beside a queue at its end: `POST /api/executions`, and the time ' +
    'between the end of one execution and the start of the next, with one worker of one place',
  lacks: withoutServices,
  async run(ground) {
    const waiting = ground.quick ? 5000 : 100_000;
    const settings = {
      CLAUDE_CODE_BINARY: await standInCli(ground.directory, TURN_MS),
      CLAUDE_CODE_MAX_CONCURRENT: '1',
      ...ROOM,
    };
    await using long = await startCluster(ground);
    await using longApi = await long.start('api', ROOM);
    await using short = await startCluster(ground);
    await using shortApi = await short.start('api', ROOM);
    await fillLine(long, longApi, REQUEST, { executions: waiting, users: 1000 });
    ground.say(`${waiting} executions wait`);
    const submit = (api: Server) => async (round: number) => {
      const begun = performance.now();
      await api.submit(REQUEST.prompt, { userId: `late-${round}`, projectId: 'late' });
      return performance.now() - begun;
    };
    const contenders = { long: submit(longApi), short: submit(shortApi) };
    await interleave(5, contenders);
    const submits = await interleave(ground.quick ? 10 : 50, contenders);
    const count = ground.quick ? 20 : 100;
    const gaps: { long: number[]; short: number[] } = { long: [], short: [] };
    const rounds = await interleave(ground.quick ? 1 : 5, {
      async long() {
        const found = await dispatch(ground, long, settings, count);
        gaps.long.push(...found);
        return median(found);
      },
      async short() {
        // Those that are left when everything before them has run.
        await fillLine(short, shortApi, REQUEST, { executions: 2 * (count + RUN_IN), users: 1000 });
        const found = await dispatch(ground, short, settings, count);
        gaps.short.push(...found);
        return median(found);
      },
    });
    return [
      { name: `submit, ${waiting} waiting`, unit: 'ms', samples: submits.long },
      { name: 'submit, nearly none waiting', unit: 'ms', samples: submits.short },
      { name: 'submit ÷', unit: '×', samples: ratios(submits.long, submits.short), goal: GOAL },
      { name: `end → next start, ${waiting} waiting`, unit: 'ms', samples: gaps.long },
      { name: 'end → next start, nearly none waiting', unit: 'ms', samples: gaps.short },
      { name: 'end → next start ÷', unit: '×', samples: ratios(rounds.long, rounds.short), goal: GOAL },
    ];
  },
};

/** Milliseconds between the end of one and the start of the next, as a new worker carries out so many. */
async function dispatch(
  { say }: Ground,
  cluster: Cluster,
  settings: NodeJS.ProcessEnv,
  count: number,
): Promise<number[]> {
  const begun = Date.now();
  await using working = new AsyncDisposableStack();
  working.use(await cluster.start('worker', settings));
  const total = RUN_IN + count + 1;
  const ended = () =>
    cluster.query<{ startedAt: string; endedAt: string; status: string }>(
      `select "startedAt", "endedAt", status from executions where "endedAt" > $1 order by "startedAt" limit ${total}`,
      [begun],
    );
  await until(async () => (await ended()).length === total, `${total} executions end`, 300_000);
  const rows = (await ended()).slice(RUN_IN);
  const failed = rows.filter(({ status }) => status !== 'succeeded');
  if (failed.length > 0) throw new Error(`${failed.length} executions ended ${failed[0]?.status}`);
  const gaps = rows.slice(1).map(({ startedAt }, index) => Number(startedAt) - Number(rows[index]?.endedAt));
  say(`${count} dispatched, ${median(gaps)} ms from one to the next`);
  return gaps;
}
