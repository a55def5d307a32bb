/** How often something was started ahead when it was wanted, in a day's work made short. */
import { setTimeout as delay } from 'node:timers/promises';
import { seeded } from '../../test/support/seeded.ts';
import { HELLO } from '../support/first-token.ts';
import { claims, POOL_BY_DEFAULT } from '../support/pool.ts';
import type { Figure, Row } from '../support/row.ts';
import { startServer } from '../support/server.ts';

const USERS = 5;
const PROJECTS_EACH = 4;
const ACTIONS = ['generate', 'analyze', 'refactor', 'review'];

/** Milliseconds between two requests of one user: read the answer, think, ask again; now and then a pause. */
const GAPS = [800, 1500, 3000, 6000, 12_000];

export const hitRate: Row = {
  name: 'hit-rate',
  measures:
    '200 requests over 20 projects of 5 users, who come back to the project they are at more often than not, all four ' +
    'commands, pauses of 0.8 to 12 s, default settings: the share that found a sandbox started ahead',
  async run(ground) {
    const each = (ground.quick ? 10 : 200) / USERS;
    await using server = await startServer(ground, POOL_BY_DEFAULT);
    const user = async (number: number) => {
      const random = seeded(number + 1);
      const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
      let project = 0;
      for (let request = 0; request < each; request += 1) {
        await delay(ground.quick ? 100 : pick(GAPS));
        if (random() < 0.25) project = Math.floor(random() * PROJECTS_EACH);
        const metadata = { userId: `user-${number}`, projectId: `p${project}` };
        await server.call('POST', '/api/claude-code', { action: pick(ACTIONS), prompt: HELLO, metadata });
      }
    };
    await Promise.all(Array.from({ length: USERS }, (_, number) => user(number)));
    const { hits, misses } = await claims(server);
    const requests = [...misses.values()].reduce((sum, count) => sum + count, hits);
    return [
      { name: 'requests', unit: 'count', samples: [requests] },
      { name: 'warm', unit: '%', samples: [(100 * hits) / requests], goal: { atLeast: 90 } },
      ...[...misses].map(([reason, count]): Figure => ({
        name: `not warm: ${reason}`,
        unit: 'count',
        samples: [count],
      })),
    ];
  },
};
