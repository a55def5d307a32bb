/** A data directory with a long past: rows written straight into the database, which the server then finds. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type * as Configuration from '../../src/config/config.js';
import type * as Persistence from '../../src/persistence/persistence.module.js';
import { built } from './paths.ts';

/** Epoch milliseconds of the first row: a second between any two, up to about now. */
const beginning = (rows: number): number => Date.now() - rows * 1000;

/** Numbers as UUIDv7: the first 48 bits are a time, so the order of ids is the order of numbers. */
const ID = (row: string, from: number) => `printf('%s-%s-7000-8000-%012x',
  substr(printf('%012x', ${from} + ${row} * 1000), 1, 8), substr(printf('%012x', ${from} + ${row} * 1000), 9), ${row})`;

const NUMBERS = (count: number) =>
  `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})`;

const REQUEST = JSON.stringify({ action: 'generate', prompt: 'Create src/price.js with a price function' });
const RESPONSE = JSON.stringify({
  success: true,
  action: 'generate',
  result: { text: 'I wrote it. '.repeat(20), files: [] },
  metadata: {
    executionId: '…',
    duration: 1512,
    tokensUsed: 12_708,
    model: 'claude-sonnet-5-5',
    costUsd: 0.05,
  },
});

/** What stands out of the many rows, in every past as many and the oldest: failures, and those of an old project. */
const SELDOM = 20;

export interface Past {
  /** The execution with as many events as there are executions; the last one is its end. */
  longest: string;
  /** An execution in the middle. */
  middle: string;
  /** Epoch milliseconds: when it began; there is a row a second. */
  begunAt: number;
}

/** @param directory the server's CAISSON_DATA @param rows executions, events of the longest, and audit entries */
export async function fill(directory: string, rows: number): Promise<Past> {
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const { Config } = await built<typeof Configuration>('config/config.js');
  const { openDatabase } = await built<typeof Persistence>('persistence/persistence.module.js');
  await (await openDatabase(Config.from({ CAISSON_DATA: directory }))).destroy();
  const database = new DatabaseSync(join(directory, 'caisson.db'));
  const from = beginning(rows);
  try {
    database.exec('PRAGMA synchronous = OFF; BEGIN');
    database.exec(`${NUMBERS(rows)} INSERT INTO executions
      ("id", "userId", "projectId", "keyId", "requestId", "action", "access", "engine", "model", "request",
       "requestHash", "status", "attempt", "lastSeq", "createdAt", "startedAt", "endedAt", "errorCode", "response")
      SELECT ${ID('n', from)}, 'admin', iif(n <= ${SELDOM}, 'old', 'usual'), 'key', 'request', 'generate',
        'read-write', 'claude-code', 'claude-sonnet-5-5', '${REQUEST}', 'hash',
        iif(n <= ${SELDOM}, 'failed', 'succeeded'), 1, iif(n = 1, ${rows}, 2),
        ${from} + n * 1000, ${from} + n * 1000, ${from} + n * 1000 + 900, NULL, '${RESPONSE}' FROM numbers`);
    database.exec(`${NUMBERS(rows - 1)} INSERT INTO events ("executionId", "seq", "at", "type", "data")
      SELECT ${ID('1', from)}, n, ${from} + n, 'agent.text', '{"text":"a word or two "}' FROM numbers`);
    database
      .prepare(
        `INSERT INTO events ("executionId", "seq", "at", "type", "data")
         VALUES (${ID('1', from)}, ?, ?, 'execution.finished', ?)`,
      )
      .run(
        rows,
        Date.now(),
        JSON.stringify({ status: 'succeeded', response: JSON.parse(RESPONSE) as unknown }),
      );
    // What the chain of hashes says is another matter: it is not verified here.
    database.exec(`${NUMBERS(rows)} INSERT INTO audit ("id", "at", "entry", "userId", "hash")
      SELECT n, ${from} + n * 1000,
        json_object('type', 'execution.accepted', 'at', ${from} + n * 1000, 'action', 'generate', 'userId', 'admin',
          'promptLength', 40, 'remoteAddress', '127.0.0.1'),
        'admin', printf('%064x', n) FROM numbers`);
    database.exec(`UPDATE "auditAnchors" SET "entryId" = ${rows} WHERE "name" = 'head'; COMMIT`);
    const idOf = (row: number) => String(database.prepare(`SELECT ${ID(String(row), from)} AS id`).get()?.id);
    return { longest: idOf(1), middle: idOf(Math.floor(rows / 2)), begunAt: from };
  } finally {
    database.close();
  }
}
