/** The answers that are kept: found by question and content, bounded by bytes and age. */
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database } from '../persistence/database.js';
import type { Answer } from './answer.js';

/** The largest answer, as a part of all: one alone must not drive out the rest. */
const LARGEST = 1 / 16;
/** Milliseconds: a use is written down again only when the last one is so long ago, so that a hit is no write. */
const USE_STEP = 60_000;
/** Rows removed in one step: their bodies are large, and a step stays within some ten milliseconds. */
const STEP = 50;

@Injectable()
export class AnswerStore {
  constructor(
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  /** Bytes of the largest answer that is kept. */
  get largest(): number {
    return this.config.values.CACHE_MAX_BYTES * LARGEST;
  }

  /** Whether there is an answer to it at all, about whatever files. */
  async has(question: string): Promise<boolean> {
    const row = await this.database
      .selectFrom('answers')
      .select('createdAt')
      .where('question', '=', question)
      .where('createdAt', '>', this.oldest(Date.now()))
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** @param content as `Content.name` */
  async find(question: string, content: string): Promise<Answer | undefined> {
    const now = Date.now();
    const row = await this.database
      .selectFrom('answers')
      .select(['body', 'usedAt'])
      .where('question', '=', question)
      .where('content', '=', content)
      .where('createdAt', '>', this.oldest(now))
      .executeTakeFirst();
    if (row === undefined) return undefined;
    if (Math.abs(now - row.usedAt) > USE_STEP)
      await this.database
        .updateTable('answers')
        .set({ usedAt: now })
        .where('question', '=', question)
        .where('content', '=', content)
        .execute();
    return JSON.parse(row.body) as Answer; // what `put` wrote
  }

  /** Keeps it instead of an earlier one; one that is too large is not kept. Answers whether it is. */
  async put(question: string, content: string, answer: Answer): Promise<boolean> {
    const body = JSON.stringify(answer);
    const bytes = Buffer.byteLength(body);
    if (bytes > this.largest) return false;
    const now = Date.now();
    const { workspaceId = null, before, after } = answer.way ?? {};
    const values = {
      workspaceId,
      treeBefore: before?.tree ?? null,
      treeAfter: after?.tree ?? null,
      body,
      bytes,
      createdAt: now,
      usedAt: now,
    };
    await this.database
      .insertInto('answers')
      .values({ question, content, ...values })
      .onConflict((conflict) => conflict.columns(['question', 'content']).doUpdateSet(values))
      .execute();
    await this.trim();
    return true;
  }

  /** How many there are, and the bytes of all. */
  async size(): Promise<{ answers: number; bytes: number }> {
    const { answers, bytes } = await this.database
      .selectFrom('answers')
      .select(({ fn }) => [
        fn.countAll<number | string>().as('answers'),
        fn.sum<number | string | null>('bytes').as('bytes'),
      ])
      .executeTakeFirstOrThrow();
    return { answers: Number(answers), bytes: Number(bytes) };
  }

  /** Removes what has become too old, and what is too much. @param now epoch milliseconds */
  async sweep(now: number): Promise<void> {
    for (let removed = STEP; removed === STEP;) {
      const old = await this.database
        .selectFrom('answers')
        .select(['question', 'content'])
        .where('createdAt', '<=', this.oldest(now))
        .limit(STEP)
        .execute();
      removed = await this.remove(old);
    }
    await this.trim();
  }

  /** Removes what was not used for longest until the rest has room. */
  private async trim(): Promise<void> {
    let excess = (await this.size()).bytes - this.config.values.CACHE_MAX_BYTES;
    while (excess > 0) {
      const oldest = await this.database
        .selectFrom('answers')
        .select(['question', 'content', 'bytes'])
        .orderBy('usedAt')
        .limit(STEP)
        .execute();
      const due = [];
      for (const row of oldest) {
        if (excess <= 0) break;
        excess -= row.bytes;
        due.push(row);
      }
      if ((await this.remove(due)) === 0) return;
    }
  }

  private async remove(rows: readonly { question: string; content: string }[]): Promise<number> {
    for (const { question, content } of rows)
      await this.database
        .deleteFrom('answers')
        .where('question', '=', question)
        .where('content', '=', content)
        .execute();
    return rows.length;
  }

  /** Epoch milliseconds: what was made then or earlier is too old. */
  private oldest(now: number): number {
    return now - this.config.values.CACHE_MAX_AGE * 1000;
  }
}
