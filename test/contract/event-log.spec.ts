import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { Response as ExpressResponse } from 'express';
import { Config } from '../../src/config/config.js';
import { FencedError } from '../../src/execution/event-log.js';
import type { StreamItem } from '../../src/execution/execution-event.js';
import type { Database } from '../../src/persistence/database.js';
import { openDatabase } from '../../src/persistence/persistence.module.js';
import { InProcessBroadcast } from '../../src/streaming/event-broadcast.js';
import { eventNumber, sendEvents, untilClosed } from '../../src/streaming/sse.js';
import { StoredEventLog } from '../../src/streaming/stored-event-log.js';
import { itemsOf } from '../support/client.js';
import { describeOnEachDatabase } from '../support/databases.js';
import { finished, insertExecution, text } from '../support/replicas.js';
const numbers = (items: StreamItem[]) => items.map(({ seq }) => seq);

describeOnEachDatabase('the event log', (engine) => {
  let database: Database;
  let log: StoredEventLog;
  let count = 0;

  beforeAll(async () => {
    const config = Config.from({ ...(await engine.settings()), STREAM_BUFFER_EVENTS: '50' });
    database = await openDatabase(config);
    log = new StoredEventLog(database, new InProcessBroadcast(), config);
  });
  afterAll(async () => {
    await database.destroy();
  });

  /** A running execution, first attempt. */
  const execution = () => insertExecution(database, `execution-${(count += 1)}`);
  const never = new AbortController().signal;

  it('numbers without holes when many write at once, each execution for itself', async () => {
    const [one, other] = [await execution(), await execution()];
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => [
        log.append(one, 1, [text(`a${index}`), text(`b${index}`)]),
        log.append(other, 1, [text(`c${index}`)]),
      ]).flat(),
    );
    expect(numbers(await log.read(one, 0, 1000))).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    expect(numbers(await log.read(other, 0, 1000))).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });

  it('fences an attempt that lost its execution, and lets others that wait for the same commit pass', async () => {
    const [lost, kept] = [await execution(), await execution()];
    const results = await Promise.allSettled([
      log.append(kept, 1, [text('1')]),
      log.append(lost, 7, [text('too late')]),
      log.append(kept, 1, [text('2')]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((results[1] as PromiseRejectedResult).reason).toBeInstanceOf(FencedError);
    expect(await log.read(lost, 0, 10)).toEqual([]);
  });

  it('joins the past to the present without a hole or a repetition', async () => {
    const id = await execution();
    await log.append(id, 1, [text('1'), text('2')]);
    const items: StreamItem[] = [];
    const reading = (async () => {
      for await (const item of log.follow(id, 1, never)) items.push(item);
    })();
    for (let index = 3; index <= 20; index += 1) await log.append(id, 1, [text(String(index))]);
    await log.append(id, 1, [finished]);
    await reading;
    expect(numbers(items)).toEqual(Array.from({ length: 20 }, (_, index) => index + 2));
  });

  it('ends at once for a reader who has already got everything of an ended execution', async () => {
    const id = await execution();
    await log.append(id, 1, [finished]);
    await database.updateTable('executions').set({ endedAt: 1 }).where('id', '=', id).execute();
    expect(await Array.fromAsync(log.follow(id, 1, never))).toEqual([]);
  });

  it('stops when its reader leaves', async () => {
    const id = await execution();
    const left = new AbortController();
    const reading = Array.fromAsync(log.follow(id, 0, left.signal));
    left.abort();
    expect(await reading).toEqual([]);
  });

  describe('a reader that does not keep up', () => {
    it('gets a gap that says exactly what it missed, then what is new, and always the end', async () => {
      const id = await execution();
      await log.append(id, 1, [text('first')]);
      const reader = log.follow(id, 0, never);
      expect((await reader.next()).value).toMatchObject({ seq: 1 });
      const pending = reader.next(); // waits for something live
      await log.append(id, 1, [text('live')]);
      expect((await pending).value).toMatchObject({ seq: 2 });
      for (let index = 0; index < 200; index += 1) await log.append(id, 1, [text('x')]);
      await log.append(id, 1, [finished]);
      const rest = await Array.fromAsync(reader);
      // 203 events in all; STREAM_BUFFER_EVENTS = 50 were kept.
      expect(rest[0]).toMatchObject({ type: 'stream.gap', seq: 2, data: { after: 2, before: 154 } });
      expect(numbers(rest.slice(1))).toEqual(Array.from({ length: 50 }, (_, index) => index + 154));
      expect(rest.at(-1)?.type).toBe('execution.finished');
    });

    it('over a real connection that is not read, too', async () => {
      const id = await execution();
      await log.append(id, 1, [text('first')]);
      const server = createServer((_, response) => {
        void sendEvents(
          response as ExpressResponse,
          log.follow(id, 0, untilClosed(response as ExpressResponse)),
          eventNumber,
          60_000,
        );
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const asked = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }).end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      answer.pause();
      // 20 MB: more than the kernel takes for a reader that does not read.
      for (let index = 0; index < 400; index += 1) await log.append(id, 1, [text('x'.repeat(50_000))]);
      await log.append(id, 1, [finished]);
      const items = await Array.fromAsync(
        itemsOf(new Response(Readable.toWeb(answer) as ReadableStream, { status: 200 })),
      );
      const gaps = items.filter((item) => item.type === 'stream.gap');
      expect(gaps.length).toBeGreaterThan(0);
      expect(items.at(-1)?.type).toBe('execution.finished');
      const missing = gaps.flatMap(({ data }) =>
        Array.from({ length: data.before - data.after - 1 }, (_, index) => data.after + 1 + index),
      );
      const got = items.flatMap((item) => (item.type === 'stream.gap' ? [] : [item.seq]));
      expect([...got, ...missing].sort((a, b) => a - b)).toEqual(
        Array.from({ length: 402 }, (_, index) => index + 1),
      );
      server.close();
    });
  });
});
