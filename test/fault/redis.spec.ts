import { rm } from 'node:fs/promises';
import { Redis } from 'ioredis';
import type { StreamItem } from '../../src/execution/execution-event.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/processes.js';
import {
  finished,
  insertExecution,
  numbersOf,
  type Replica,
  startReplica,
  text,
  upTo,
} from '../support/replicas.js';
import { type RedisService, startRedis } from '../support/services/redis.js';

const never = new AbortController().signal;

describe('streams of another replica, while Redis', () => {
  let directory: string;
  let redis: RedisService;
  let writer: Replica;
  let reader: Replica;
  let count = 0;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    redis = await startRedis();
    writer = await startReplica(directory, redis.url);
    reader = await startReplica(directory, redis.url);
  });
  afterEach(async () => {
    await Promise.all([writer.stop(), reader.stop()]);
    await redis.service.remove();
    await rm(directory, { recursive: true });
  });

  /** 50 readers, and a writer that is told when to write on. */
  const begin = async () => {
    const id = await insertExecution(writer.database, `execution-${(count += 1)}`);
    const got = upTo(50).map((): StreamItem[] => []);
    const reading = Promise.all(
      got.map(async (items) => {
        for await (const item of reader.log.follow(id, 0, never)) items.push(item);
      }),
    );
    let written = 0;
    const write = async (events: number) => {
      for (let turn = 0; turn < events; turn += 1) await writer.log.append(id, 1, [text('x')]);
      written += events;
    };
    const allHave = () => until(haveAll);
    const haveAll = () => got.every(({ length }) => length === written);
    /** Writes until what was written came to all: whoever speaks may find Redis later than those who listen. */
    const heardLive = async () => {
      await write(1);
      await until(async () => {
        if (haveAll()) return true;
        await write(1);
        return false;
      });
    };
    const end = async () => {
      await writer.log.append(id, 1, [finished]);
      await reading;
      for (const items of got) expect(numbersOf(items)).toEqual(upTo(written + 1));
    };
    await write(5);
    await allHave();
    return { write, allHave, heardLive, end };
  };
  const connected = ({ connections }: Replica) => until(() => connections.commands.status === 'ready');

  it('[X01] dies and comes back: they go on from the database, and then live again', async () => {
    const { write, allHave, end } = await begin();
    await redis.service.end('SIGKILL');
    await write(20);
    await allHave();
    const writing = write(50);
    await redis.service.start();
    await Promise.all([writing, connected(writer), connected(reader)]);
    await write(20);
    await allHave();
    await end();
  });

  it('[X02] is away when they begin and when they end', async () => {
    await redis.service.end('SIGKILL');
    const { write, allHave, end } = await begin();
    await write(20);
    await allHave();
    await end();
  });

  it('[X03] cuts the connections of those who listen and of those who speak, again and again', async () => {
    const { write, allHave, end } = await begin();
    const admin = new Redis(redis.url);
    for (const type of ['PUBSUB', 'NORMAL', 'PUBSUB', 'NORMAL'] as const) {
      await admin.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
      await write(30);
    }
    admin.disconnect();
    await allHave();
    await end();
  });

  it('[X04] stands still: nothing that is written waits for it, and a bounded part of it is kept in memory', async () => {
    const { write, allHave, end } = await begin();
    redis.service.signal('SIGSTOP');
    const before = performance.now();
    await write(20);
    // A commit takes some milliseconds; a Redis that was waited for would take half a second each.
    expect(performance.now() - before).toBeLessThan(5000);
    await allHave();
    redis.service.signal('SIGCONT');
    await connected(reader);
    await write(20);
    await allHave();
    await end();
  });

  it('[X05] stands still for a flood of large events: what is under way to it is bounded', async () => {
    redis.service.signal('SIGSTOP');
    const message = 'x'.repeat(1024 * 1024);
    const before = process.memoryUsage().rss;
    for (let each = 0; each < 500; each += 1) writer.channels.publish('caisson:flood', message);
    // REDIS_BACKLOG_BYTES are 16 MiB; half a gigabyte was said.
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
    redis.service.signal('SIGCONT');
    await connected(writer);
  });

  it('[X06] is there again, they come live: not only with the next look into the database', async () => {
    await Promise.all([writer.stop(), reader.stop()]);
    const settings = { STREAM_LOOK_MS: '60000' };
    writer = await startReplica(directory, redis.url, { settings });
    reader = await startReplica(directory, redis.url, { settings });
    const { write, allHave, heardLive, end } = await begin();
    await redis.service.end('SIGKILL');
    await write(20);
    await redis.service.start();
    // What was missed is read when the channel is subscribed to again.
    await allHave();
    await heardLive();
    await write(20);
    await end();
  });
});
