/** What starting ahead is for. */
import { ofCli, ofServer, ofWarmSdk } from '../support/first-token.ts';
import { interleave } from '../support/interleave.ts';
import { poolOf, untilWarm, warmUp } from '../support/pool.ts';
import type { Row } from '../support/row.ts';
import { startServer } from '../support/server.ts';
import { ratios } from '../support/statistics.ts';

const PROJECT = 'warm';

export const firstTokenWarm: Row = {
  name: 'first-token-warm',
  measures:
    'prompt → first `agent.text` at a socket.io client with a sandbox started ahead, beside a cold `claude -p`, and ' +
    "beside the Agent SDK's own session started ahead without any server or sandbox",
  note:
    'The bare SDK is the floor: from the prompt to its first text the CLI itself takes a fifth of its cold start here, so ' +
    '0.15 of that start is below what any server in front of it can reach.',
  async run(ground) {
    await using server = await startServer(ground, poolOf(1));
    const socket = await server.socket();
    await warmUp(server, PROJECT);
    const warm = async () => {
      await untilWarm(server, 1);
      return ofServer(socket, { projectId: PROJECT });
    };
    const times = await interleave(ground.quick ? 1 : 25, {
      warm,
      cli: () => ofCli(ground),
      sdk: () => ofWarmSdk(ground),
    });
    return [
      { name: 'Caisson, warm', unit: 'ms', samples: times.warm },
      { name: 'bare CLI, cold', unit: 'ms', samples: times.cli },
      { name: 'bare SDK, warm', unit: 'ms', samples: times.sdk },
      { name: 'Caisson ÷ CLI', unit: '×', samples: ratios(times.warm, times.cli), goal: { atMost: 0.15 } },
      { name: 'Caisson ÷ SDK', unit: '×', samples: ratios(times.warm, times.sdk), goal: { atMost: 1.3 } },
    ];
  },
};
