/** How often something was started ahead when it was wanted, in a day's work made short. */
import { setTimeout as delay } from 'node:timers/promises';
import { HELLO } from '../support/first-token.ts';
import { claims, POOL_BY_DEFAULT } from '../support/pool.ts';
import type { Row } from '../support/row.ts';
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
    return [
      { name: 'requests', unit: 'count', samples: [hits + misses] },
      { name: 'warm', unit: '%', samples: [(100 * hits) / (hits + misses)], goal: { atLeast: 90 } },
    ];
  },
};

/** The same numbers in every run: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
