/** What several processes, with Redis and PostgreSQL between them, add to the way of a prompt. */
import { Redis } from 'ioredis';
import { type Cluster, startCluster, withoutServices } from '../support/cluster.ts';
import { ofServer } from '../support/first-token.ts';
import { interleave } from '../support/interleave.ts';
import { poolOf, untilWarm } from '../support/pool.ts';
import type { Row } from '../support/row.ts';
import { startServer } from '../support/server.ts';
import { ratios } from '../support/statistics.ts';
import { until } from '../support/until.ts';

const PROJECT = 'warm';

export const scaleFirstToken: Row = {
  name: 'scale-first-token',
  measures:
    'prompt → first `agent.text` at a socket.io client with a sandbox started ahead: an api and a worker process on Redis ' +
    'and PostgreSQL, beside one process with SQLite',
  lacks: withoutServices,
  async run(ground) {
    await using cluster = await startCluster(ground);
    await using api = await cluster.start('api');
    await using worker = await cluster.start('worker', poolOf(1));
    await using alone = await startServer(ground, poolOf(1));
    await using redis = new AsyncDisposableStack();
    const board = redis.adopt(new Redis(cluster.redisUrl), (it) => it.disconnect());
    const workspaceId = async () => (await workspacesOf(cluster))[0];
    const announced = async () => {
      const id = await workspaceId();
      return id !== undefined && (await board.exists(`caisson:warm:${id}`)) === 1;
    };
    const [near, far] = [await alone.socket(), await api.socket()];
    // From its first execution on a workspace is kept warm.
    await ofServer(near, { projectId: PROJECT });
    await ofServer(far, { projectId: PROJECT });
    const times = await interleave(ground.quick ? 4 : 25, {
      async alone() {
        await untilWarm(alone, 1);
        return ofServer(near, { projectId: PROJECT });
      },
      async shared() {
        await untilWarm(worker, 1);
        await until(announced, 'the api processes know of the warm sandbox');
        return ofServer(far, { projectId: PROJECT });
      },
    });
    return [
      { name: 'api and worker, warm', unit: 'ms', samples: times.shared },
      { name: 'one process, warm', unit: 'ms', samples: times.alone },
      {
        name: 'api and worker ÷ one process',
        unit: '×',
        samples: ratios(times.shared, times.alone),
        goal: { atMost: 1.25 },
      },
    ];
  },
};

const workspacesOf = async (cluster: Cluster): Promise<string[]> =>
  (await cluster.query<{ id: string }>('select id from workspaces where "projectId" = $1', [PROJECT])).map(
    ({ id }) => id,
  );
