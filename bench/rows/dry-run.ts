/** What it costs to change nothing: the same execution as a dry run, on a copy, and in earnest. */
import { interleave } from '../support/interleave.ts';
import type { Row } from '../support/row.ts';
import { startServer } from '../support/server.ts';
import { ratios } from '../support/statistics.ts';

export const dryRun: Row = {
  name: 'dry-run',
  measures: 'an execution that changes one of 1 000 files, as a dry run beside the same one in earnest',
  note:
    'The copy is made and looked through before the CLI starts, and is removed before the end is told: both could go on beside ' +
    'the run, and do not yet.',
  async run(ground) {
    await using server = await startServer(ground);
    const files = ground.quick ? 50 : 1000;
    const run = (command: string, dryRun?: boolean) =>
      server.call('POST', '/api/claude-code', {
        action: 'generate',
        prompt: `@tool Bash ${JSON.stringify({ command })}\n@text Done.`,
        options: { dryRun },
      });
    await run(`for i in $(seq ${files}); do seq 200 >file-$i; done`);
    const timed = (dry: boolean) => async (round: number) => {
      const begun = performance.now();
      await run(`echo ${round} ${String(dry)} >file-1`, dry);
      return performance.now() - begun;
    };
    await interleave(1, { dry: timed(true), plain: timed(false) });
    const times = await interleave(ground.quick ? 1 : 15, { dry: timed(true), plain: timed(false) });
    return [
      { name: 'dry run', unit: 'ms', samples: times.dry },
      { name: 'in earnest', unit: 'ms', samples: times.plain },
      { name: 'dry run ÷ in earnest', unit: '×', samples: ratios(times.dry, times.plain) },
    ];
  },
};
