import { rm } from 'node:fs/promises';
import { Redis } from 'ioredis';
import type { StreamItem } from '../../src/execution/execution-event.js';
import type { Database } from '../../src/persistence/database.js';
import { openDatabase } from '../../src/persistence/persistence.module.js';
import { type EventBroadcast, InProcessBroadcast } from '../../src/streaming/event-broadcast.js';
import { StoredEventLog } from '../../src/streaming/stored-event-log.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/processes.js';
import {
  configOf,
  dice,
  finished,
  insertExecution,
  numbersOf,
  startReplica,
  text,
  type Trouble,
  TroubledBroadcast,
  upTo,
} from '../support/replicas.js';
import { type RedisService, startRedis } from '../support/services/redis.js';

/** Two processes: one writes, both are read from. */
interface Two {
  database: Database;
  writer: StoredEventLog;
  reader: StoredEventLog;
  stop(): Promise<void>;
}

type Between = (broadcast: EventBroadcast) => EventBroadcast;

const never = new AbortController().signal;
let directory: string;
let redis: RedisService;
let count = 0;
beforeAll(async () => {
  directory = await temporaryDirectory();
  redis = await startRedis();
});
afterAll(async () => {
  await redis.service.remove();
  await rm(directory, { recursive: true });
});

const ADAPTERS: [string, (between: Between) => Promise<Two>][] = [
  [
    'within one process',
    async (between) => {
      const [config, broadcast] = [configOf(directory), new InProcessBroadcast()];
      const database = await openDatabase(config);
      const writer = new StoredEventLog(database, between(broadcast), config);
      const reader = new StoredEventLog(database, broadcast, config);
      return { database, writer, reader, stop: () => database.destroy() };
    },
  ],
  [
    'over Redis',
    async (between) => {
      const one = await startReplica(directory, redis.url, { between });
      const other = await startReplica(directory, redis.url);
      return {
        database: one.database,
        writer: one.log,
        reader: other.log,
        stop: async () => {
          await Promise.all([one.stop(), other.stop()]);
        },
      };
    },
  ],
];

describe.each(ADAPTERS)('events %s', (_name, start) => {
  let two: Two | undefined;
  afterEach(() => two?.stop());

  const begin = async (between: Between = (it) => it) => {
    two = await start(between);
    return { ...two, id: await insertExecution(two.database, `execution-${(count += 1)}`) };
  };
  /** Appends events up to this number, some at once, then the end. */
  const write = async (log: StoredEventLog, id: string, last: number) => {
    for (let seq = 1; seq < last; seq += 3)
      await log.append(
        id,
        1,
        upTo(Math.min(seq + 2, last - 1), seq).map((each) => text(String(each))),
      );
    await log.append(id, 1, [finished]);
  };

  it('reach every one of 50 readers once and in order, from wherever it starts', async () => {
    const { writer, reader, id } = await begin();
    const early = upTo(50).map((each) => Array.fromAsync((each % 2 ? writer : reader).follow(id, 0, never)));
    const writing = write(writer, id, 300);
    const late = upTo(20).map((each) => Array.fromAsync(reader.follow(id, each * 10, never)));
    await writing;
    for (const items of await Promise.all(early)) expect(numbersOf(items)).toEqual(upTo(300));
    for (const [index, items] of (await Promise.all(late)).entries())
      expect(numbersOf(items)).toEqual(upTo(300, (index + 1) * 10 + 1));
  });

  it('from two writers keep their order', async () => {
    const { writer, reader, id } = await begin();
    const reading = [writer, reader].map((log) => Array.fromAsync(log.follow(id, 0, never)));
    for (let turn = 0; turn < 30; turn += 1)
      for (const log of [writer, reader]) await log.append(id, 1, [text(String(turn))]);
    await writer.append(id, 1, [finished]);
    for (const items of await Promise.all(reading)) expect(numbersOf(items)).toEqual(upTo(61));
  });

  const TROUBLES: [string, Trouble][] = [
    ['in any order', { lost: 0, twice: 0, late: 0.6 }],
    ['twice', { lost: 0, twice: 0.6, late: 0.3 }],
    ['or not at all', { lost: 0.4, twice: 0.2, late: 0.3 }],
  ];
  it.each(TROUBLES)('that come %s are read once and in order, without a gap', async (_how, trouble) => {
    const { writer, reader, id } = await begin(
      (broadcast) => new TroubledBroadcast(broadcast, trouble, dice(7)),
    );
    const reading = upTo(10).map(() => Array.fromAsync(reader.follow(id, 0, never)));
    const writing = write(writer, id, 200);
    await writing;
    // What comes last may be lost too: within a process nothing is, so there it is said again.
    const [end] = await reader.read(id, 199, 1);
    if (end !== undefined) reader.publish([{ event: end }]);
    for (const items of await Promise.all(reading)) expect(numbersOf(items)).toEqual(upTo(200));
  });
});

describe('events over Redis that never come', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });
  const lost: Trouble = { lost: 1, twice: 0, late: 0 };
  const silent = async () => {
    const writer = await startReplica(directory, redis.url, {
      between: (broadcast) => new TroubledBroadcast(broadcast, lost, dice(1)),
    });
    const reader = await startReplica(directory, redis.url);
    stops.push(
      () => writer.stop(),
      () => reader.stop(),
    );
    return { writer, reader, id: await insertExecution(writer.database, `execution-${(count += 1)}`) };
  };

  it('are found in the log, the end too', async () => {
    const { writer, reader, id } = await silent();
    const got: StreamItem[] = [];
    const reading = (async () => {
      for await (const item of reader.log.follow(id, 0, never)) got.push(item);
    })();
    await writer.log.append(id, 1, [text('1'), text('2')]);
    await until(() => got.length === 2);
    await writer.log.append(id, 1, [text('3')]);
    await until(() => got.length === 3);
    await writer.log.append(id, 1, [finished]);
    await reading;
    expect(numbersOf(got)).toEqual(upTo(4));
  });

  it('end the stream of a reader that asked for what is beyond the end', async () => {
    const { writer, reader, id } = await silent();
    const reading = Array.fromAsync(reader.log.follow(id, 100, never));
    await writer.log.append(id, 1, [text('1'), finished]);
    await writer.database.updateTable('executions').set({ endedAt: 1 }).where('id', '=', id).execute();
    expect(await reading).toEqual([]);
  });
});

describe('what comes over Redis', () => {
  it('is no event just because somebody says so', async () => {
    const replica = await startReplica(directory, redis.url);
    const stranger = new Redis(redis.url);
    const id = await insertExecution(replica.database, `execution-${(count += 1)}`);
    const got: StreamItem[] = [];
    const reading = (async () => {
      for await (const item of replica.log.follow(id, 0, never)) got.push(item);
    })();
    await replica.log.append(id, 1, [text('1')]);
    const channel = `caisson:execution:${id}`;
    await until(async () => (await stranger.publish(channel, 'x'.repeat(40))) === 1);
    for (const said of [
      'null',
      '{',
      '{"seq":"2"}',
      '{"seq":9,"type":"agent.text","data":{"text":"made up"}}',
    ])
      await stranger.publish(channel, `${'0'.repeat(36)}${said}`);
    await replica.log.append(id, 1, [finished]);
    await reading;
    expect(got).toMatchObject([
      { seq: 1, data: { text: '1' } },
      { seq: 2, type: 'execution.finished' },
    ]);
    stranger.disconnect();
    await replica.stop();
  });

  it('is asked for only while somebody reads it here', async () => {
    const replica = await startReplica(directory, redis.url);
    const watcher = new Redis(redis.url);
    const id = await insertExecution(replica.database, `execution-${(count += 1)}`);
    const channel = `caisson:execution:${id}`;
    const subscribers = async () => (await watcher.pubsub('NUMSUB', channel))[1];
    const left = new AbortController();
    const readings = upTo(2).map(() => Array.fromAsync(replica.log.follow(id, 0, left.signal)));
    await until(async () => (await subscribers()) === 1);
    left.abort();
    await Promise.all(readings);
    await until(async () => (await subscribers()) === 0);
    watcher.disconnect();
    await replica.stop();
  });
});
