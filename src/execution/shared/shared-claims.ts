/** Claims among many workers: the order of a workspace's line is held by the database, in the step that begins the attempt. */
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Membership } from '../../cluster/membership.js';
import { Config } from '../../config/config.js';
import { Database } from '../../persistence/database.js';
import { Claims, mayRepeat } from '../claims.js';
import type { Execution } from '../execution.js';
import { ExecutionStore, fromRow } from '../execution-store.js';
import { mayBegin } from './line.js';

@Injectable()
export class SharedClaims extends Claims {
  constructor(
    private readonly store: ExecutionStore,
    private readonly database: Database,
    @Inject(Membership) private readonly membership: Pick<Membership, 'id'>,
    private readonly config: Config,
  ) {
    super();
  }

  /**
   * Redis may offer one twice, or too early, and offers are all it makes: what it loses or repeats harms nothing.
   * Claims of one workspace come one after the other, and with USER_MAX_CONCURRENT those of one user; those of others do
   * not wait.
   */
  async claim(executionId: string): Promise<Execution | undefined> {
    const worker = this.membership.id;
    if (worker === undefined) return undefined; // given up for lost: it begins nothing until it is back
    const { USER_MAX_CONCURRENT: userMax } = this.config.values;
    return this.database.transaction().execute(async (db) => {
      const line = await db
        .selectFrom('executions')
        .select(['userId', 'projectId'])
        .where('id', '=', executionId)
        .where('status', '=', 'queued')
        .executeTakeFirst();
      if (line === undefined) return undefined;
      if (userMax > 0) await this.database.serialize(db, `executions of ${line.userId}`);
      // Also then: a process that was started without the limit asks for this one alone.
      await this.database.serialize(db, `line ${line.userId}/${line.projectId}`);
      const row = await db
        .updateTable('executions as one')
        .set((eb) => ({
          status: 'starting',
          attempt: eb('one.attempt', '+', 1),
          startedAt: Date.now(),
          processId: worker,
        }))
        .where('one.id', '=', executionId)
        .where('one.status', '=', sql.lit('queued'))
        .where(mayBegin(userMax))
        .returningAll()
        .executeTakeFirst();
      return row && fromRow(row);
    });
  }

  async handBack(execution: Execution): Promise<boolean> {
    return mayRepeat(execution) && this.store.advance(this.database, execution, 'queued');
  }
}
