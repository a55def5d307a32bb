/** Many at once, which is when a start of half a CPU second hurts. */
import { ofCli, ofServer } from '../support/first-token.ts';
import { interleave } from '../support/interleave.ts';
import { poolOf, untilWarm, warmUp } from '../support/pool.ts';
import type { Row } from '../support/row.ts';
import { startServer } from '../support/server.ts';
import { ratios } from '../support/statistics.ts';

export const burst: Row = {
  name: 'burst',
  measures:
    '8 executions of 8 users at once, each with a sandbox started ahead: until all have their first token; beside 8 ' +
    'cold `claude -p` at once',
  async run(ground) {
    const users = Array.from({ length: ground.quick ? 2 : 8 }, (_, index) => `user-${index}`);
    await using server = await startServer(ground, {
      ...poolOf(users.length),
      CLAUDE_CODE_MAX_CONCURRENT: String(users.length),
    });
    // A connection each, as 8 users have.
    const sockets = await Promise.all(users.map(() => server.socket()));
    const pool = async () => {
      await Promise.all(users.map((userId) => warmUp(server, 'burst', userId)));
      await untilWarm(server, users.length);
      return slowest(
        sockets.map((socket, index) => ofServer(socket, { userId: users[index], projectId: 'burst' })),
      );
    };
    const times = await interleave(ground.quick ? 1 : 9, {
      pool,
      cli: () => slowest(users.map(() => ofCli(ground))),
    });
    return [
      { name: 'Caisson, pool full', unit: 'ms', samples: times.pool },
      { name: 'bare CLI, cold', unit: 'ms', samples: times.cli },
      { name: 'Caisson ÷ CLI', unit: '×', samples: ratios(times.pool, times.cli), goal: { atMost: 0.4 } },
    ];
  },
};

const slowest = async (times: Promise<number>[]): Promise<number> => Math.max(...(await Promise.all(times)));
