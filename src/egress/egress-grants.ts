/** Which hosts each project was granted, as the database keeps it. */
import { Injectable } from '@nestjs/common';
import { Database } from '../persistence/database.js';

@Injectable()
export class EgressGrants {
  constructor(private readonly database: Database) {}

  /** The project's own hosts. */
  async of(userId: string, projectId: string): Promise<string[]> {
    const row = await this.database
      .selectFrom('egressGrants')
      .select('hosts')
      .where('userId', '=', userId)
      .where('projectId', '=', projectId)
      .executeTakeFirst();
    return row === undefined ? [] : (JSON.parse(row.hosts) as string[]);
  }

  /** @param patterns from `hostPattern`; they replace those that there were */
  async set(userId: string, projectId: string, patterns: readonly string[]): Promise<void> {
    const change = { hosts: JSON.stringify(patterns), changedAt: Date.now() };
    await this.database
      .insertInto('egressGrants')
      .values({ userId, projectId, ...change })
      .onConflict((conflict) => conflict.columns(['userId', 'projectId']).doUpdateSet(change))
      .execute();
  }
}
