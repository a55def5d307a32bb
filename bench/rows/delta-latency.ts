/** How long a piece of text is under way: from the model's service through CLI, server and log to the client. */
import { textOfCli } from '../support/first-token.ts';
import type { Figure, Row } from '../support/row.ts';
import { startServer } from '../support/server.ts';
import { quantile } from '../support/statistics.ts';
import { TAG, TaggedText } from '../support/tagged-text.ts';

const EXECUTIONS = 8;
/** Milliseconds within which text is joined to one event: src/execution/event-writer.ts. */
const JOIN_WINDOW_MS = 25;

export const deltaLatency: Row = {
  name: 'delta-latency',
  measures:
    '8 executions × 500 pieces of text, one every 2 ms: the stand-in sends → a socket.io client has it; beside 8 bare ' +
    '`claude -p` at once with the same text',
  note:
    `Text is joined within ${JOIN_WINDOW_MS} ms, so a piece waits up to that long, half of it on average: the median is ` +
    'measured against the window. A slower model (a piece in more than the window) has each piece sent at once. ' +
    'A CLI needs some 0.8 ms of a processor for a piece: eight times one every 2 ms is more than two cores have. How often ' +
    'the stand-in really sent says who gave way: a CLI that is behind, or the stand-in that got no processor to send.',
  async run(ground) {
    const rounds = ground.quick ? 1 : 5;
    const pieces = ground.quick ? 50 : 500;
    const executions = ground.quick ? 2 : EXECUTIONS;
    await using server = await startServer(ground, { CLAUDE_CODE_MAX_CONCURRENT: String(executions) });
    const socket = await server.socket();
    const fast: Samples = { p50: [], p99: [], pace: [], missing: [], twice: [] };
    const cli: Pick<Samples, 'p50' | 'p99' | 'pace'> = { p50: [], p99: [], pace: [] };
    const slow: Samples = { p50: [], p99: [], pace: [], missing: [], twice: [] };
    // All have started before the first sends: a start takes a whole processor.
    const script = (count: number, everyMs: number) =>
      `@wait ${executions * 500}ms\n@deltas ${count} every ${everyMs}ms of "${TAG}"`;
    const stream = async (samples: Samples, count: number, everyMs: number) => {
      const texts = await Promise.all(
        Array.from({ length: executions }, async (_, project) => {
          const text = new TaggedText();
          const prompt = script(count, everyMs);
          const answer = (await socket.emitWithAck('claude-code-stream', {
            action: 'generate',
            prompt,
            metadata: { projectId: `p${project}` },
          })) as { executionId: string };
          const ended = Promise.withResolvers<undefined>();
          const onData = (event: { executionId: string; type: string; text?: string }) => {
            if (event.executionId !== answer.executionId) return;
            if (event.type === 'agent.text') text.take(event.text ?? '');
            if (event.type === 'execution.finished') ended.resolve(undefined);
          };
          socket.on('claude-code-data', onData);
          await ended.promise;
          socket.off('claude-code-data', onData);
          return text;
        }),
      );
      const ages = texts.flatMap((text) => text.ages);
      samples.p50.push(quantile(ages, 0.5));
      samples.p99.push(quantile(ages, 0.99));
      samples.pace.push(meanPace(texts));
      samples.missing.push(texts.reduce((sum, text) => sum + text.missing(count), 0));
      samples.twice.push(texts.reduce((sum, text) => sum + text.twice, 0));
    };
    const bare = async () => {
      const texts = await Promise.all(
        Array.from({ length: executions }, async () => {
          const text = new TaggedText();
          for await (const piece of textOfCli(ground, script(pieces, 2))) text.take(piece);
          return text;
        }),
      );
      const ages = texts.flatMap((text) => text.ages);
      cli.p50.push(quantile(ages, 0.5));
      cli.p99.push(quantile(ages, 0.99));
      cli.pace.push(meanPace(texts));
    };
    for (let round = 0; round < rounds; round += 1) {
      await stream(fast, pieces, 2);
      await bare();
      await stream(slow, pieces / 10, 2 * JOIN_WINDOW_MS);
    }
    const figures = (samples: Samples, pace: string, p50: number): Figure[] => [
      { name: `${pace}: p50`, unit: 'ms', samples: samples.p50, goal: { atMost: p50 } },
      { name: `${pace}: p99`, unit: 'ms', samples: samples.p99, goal: { atMost: 40 } },
      { name: `${pace}: missing`, unit: 'count', samples: samples.missing, goal: { atMost: 0 } },
      { name: `${pace}: twice`, unit: 'count', samples: samples.twice, goal: { atMost: 0 } },
    ];
    return [
      ...figures(fast, 'every 2 ms', JOIN_WINDOW_MS),
      { name: 'every 2 ms: really sent every', unit: 'ms', samples: fast.pace },
      { name: 'every 2 ms: really sent every, bare CLI', unit: 'ms', samples: cli.pace },
      { name: 'every 2 ms: p50, bare CLI', unit: 'ms', samples: cli.p50 },
      { name: 'every 2 ms: p99, bare CLI', unit: 'ms', samples: cli.p99 },
      ...figures(slow, `every ${2 * JOIN_WINDOW_MS} ms`, 3),
    ];
  },
};

type Samples = Record<'p50' | 'p99' | 'pace' | 'missing' | 'twice', number[]>;

const meanPace = (texts: readonly TaggedText[]): number =>
  texts.reduce((sum, { pace }) => sum + pace, 0) / texts.length;
