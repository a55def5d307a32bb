/** Executions that are held: accepted, and waiting for the answer of the model's service instead of for their turn. */
import { Injectable, Logger } from '@nestjs/common';
import { sql } from 'kysely';
import type { GivenAnswer } from '../agents/messages/given-answer.js';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { chunks } from '../persistence/chunks.js';
import { Database, type Queryable } from '../persistence/database.js';
import { DomainEvents } from './domain-events.js';
import type { Execution } from './execution.js';
import { ExecutionEnder, nothingDone } from './execution-ender.js';
import { ExecutionQueue } from './execution-queue.js';
import { fromRow } from './execution-store.js';
import { HELD, waitingOf } from './waiting.js';

/** Seconds. */
const RETRY_AFTER = 60;

/**
 * Held ones are `queued`: they take no place, hold no workspace, can be cancelled by any process, and a restart changes
 * nothing for them. Instead of a priority they have `economy`, so that no queue sees them. With its answer one goes into the
 * queue like any other of a batch, and what the model said is carried out when it is its turn.
 */
@Injectable()
export class HeldExecutions {
  private readonly logger = new Logger('Execution');

  constructor(
    private readonly database: Database,
    private readonly ender: ExecutionEnder,
    private readonly queue: ExecutionQueue,
    private readonly config: Config,
    events: DomainEvents,
  ) {
    events.on('execution.settled', ({ data: { execution } }) => this.forget(execution));
  }

  /** @throws ClaudeCodeError E012 when so many more would be more than QUEUE_MAX; to be asked in the transaction that makes them */
  async checkRoom(db: Queryable, count: number): Promise<void> {
    if ((await this.count(db)) + count > this.config.values.QUEUE_MAX)
      throw new ClaudeCodeError('E012', 'Too many executions wait for the model service.', {
        retryAfter: RETRY_AFTER,
      });
  }

  /** How many there are. */
  async count(db: Queryable = this.database): Promise<number> {
    const { held } = await db
      .selectFrom('executions')
      .select(({ fn }) => fn.countAll<number | string>().as('held'))
      .where('status', '=', sql.lit('queued'))
      .where('priority', '=', HELD)
      .executeTakeFirstOrThrow();
    return Number(held);
  }

  /** Whether any of a batch is held still. */
  async some(batchId: string): Promise<boolean> {
    return (await this.held(batchId).limit(1).executeTakeFirst()) !== undefined;
  }

  /** Up to `limit` of a batch that were not sent, in their order, behind a position. */
  async unsent(batchId: string, after: number, limit: number): Promise<Execution[]> {
    const rows = await this.held(batchId)
      .where('parcelId', 'is', null)
      .where('position', '>', after)
      .orderBy('position')
      .limit(limit)
      .execute();
    return rows.map(fromRow);
  }

  /** Up to `limit` of a parcel; of those with these ids, if they are named. */
  async ofParcel({ batchId, id }: Parcel, limit: number, ids?: readonly string[]): Promise<Execution[]> {
    if (ids?.length === 0) return [];
    let rows = this.held(batchId).where('parcelId', '=', id);
    if (ids !== undefined) rows = rows.where('id', 'in', ids);
    return (await rows.orderBy('position').limit(limit).execute()).map(fromRow);
  }

  /** Up to `limit` of a batch, whether they were sent or not. */
  async ofBatch(batchId: string, limit: number): Promise<Execution[]> {
    return (await this.held(batchId).orderBy('position').limit(limit).execute()).map(fromRow);
  }

  /** Notes in which parcel they are at the service; within the caller's transaction. */
  async sent(db: Queryable, parcelId: string, executions: readonly Pick<Execution, 'id'>[]): Promise<void> {
    for await (const some of chunks(executions))
      await db
        .updateTable('executions')
        .set({ parcelId })
        .where(
          'id',
          'in',
          some.map(({ id }) => id),
        )
        .where('priority', '=', HELD)
        .execute();
  }

  /** Lets those wait for their turn that have their answer now. Of what has ended meanwhile the answer is for nobody. */
  async release(answered: readonly { execution: Execution; answer: GivenAnswer }[]): Promise<void> {
    const released = await this.database.transaction().execute(async (db) => {
      const going: Execution[] = [];
      for (const { execution, answer } of answered) {
        const { numUpdatedRows } = await db
          .updateTable('executions')
          .set({ priority: 'batch' })
          .where('id', '=', execution.id)
          .where('status', '=', 'queued')
          .where('priority', '=', HELD)
          .executeTakeFirst();
        if (numUpdatedRows !== 1n) continue;
        going.push(execution);
        await db
          .insertInto('givenAnswers')
          .values({ executionId: execution.id, body: JSON.stringify(answer) })
          .execute();
      }
      return going;
    });
    for (const execution of released) this.queue.offer(waitingOf(execution));
  }

  /** Ends those that will have no answer. */
  async fail(executions: readonly Execution[], error: ClaudeCodeError): Promise<void> {
    if (executions.length === 0) return;
    this.logger.warn({
      msg: 'held executions failed',
      code: error.code,
      count: executions.length,
      err: error,
    });
    await this.ender.endAll(executions, nothingDone(error));
  }

  /** What the model's service has answered; undefined when it was not asked there. */
  async answerOf({ id, parcelId }: Execution): Promise<GivenAnswer | undefined> {
    if (parcelId === undefined) return undefined;
    const row = await this.database
      .selectFrom('givenAnswers')
      .select('body')
      .where('executionId', '=', id)
      .executeTakeFirstOrThrow();
    return JSON.parse(row.body) as GivenAnswer;
  }

  private held(batchId: string) {
    return this.database
      .selectFrom('executions')
      .selectAll()
      .where('batchId', '=', batchId)
      .where('status', '=', sql.lit('queued'))
      .where('priority', '=', HELD);
  }

  /** It has been carried out: what is left of it is in the response. */
  private async forget({ id, parcelId }: Execution): Promise<void> {
    if (parcelId === undefined) return;
    await this.database
      .deleteFrom('givenAnswers')
      .where('executionId', '=', id)
      .execute()
      .catch((error: unknown) =>
        this.logger.warn({ msg: 'an answer is kept for longer than needed', err: error }),
      );
  }
}

/** Which of a batch's parcels. */
type Parcel = Readonly<Record<'id' | 'batchId', string>>;
