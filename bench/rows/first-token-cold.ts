/** What the server adds to a start of the CLI. */
import { ofCli, ofServer } from '../support/first-token.ts';
import { interleave } from '../support/interleave.ts';
import type { Row } from '../support/row.ts';
import { startServer } from '../support/server.ts';
import { ratios } from '../support/statistics.ts';

export const firstTokenCold: Row = {
  name: 'first-token-cold',
  measures:
    'prompt → first `agent.text` at a socket.io client with nothing started ahead, beside a cold `claude -p`',
  async run(ground) {
    await using server = await startServer(ground);
    const socket = await server.socket();
    const { cold, cli } = await interleave(ground.quick ? 1 : 25, {
      cold: () => ofServer(socket, { projectId: 'cold' }),
      cli: () => ofCli(ground),
    });
    return [
      { name: 'Caisson, cold', unit: 'ms', samples: cold },
      { name: 'bare CLI, cold', unit: 'ms', samples: cli },
      { name: 'Caisson ÷ CLI', unit: '×', samples: ratios(cold, cli), goal: { atMost: 1.08 } },
    ];
  },
};
