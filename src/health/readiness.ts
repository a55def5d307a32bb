/** The checks behind readiness: whether a call that comes now could be carried out. */
import { Injectable } from '@nestjs/common';
import { type HealthIndicatorFunction, HealthIndicatorService } from '@nestjs/terminus';
import { sql } from 'kysely';
import { ExecutionQueue } from '../execution/execution-queue.js';
import { Lifecycle } from '../execution/lifecycle.js';
import { Database } from '../persistence/database.js';
import { Sandboxes } from '../sandbox/sandbox.js';

/** Milliseconds: a probe of Kubernetes waits one second by default. */
const DATABASE_TIMEOUT_MS = 800;

@Injectable()
export class Readiness {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly database: Database,
    private readonly sandboxes: Sandboxes,
    private readonly lifecycle: Lifecycle,
    private readonly queue: ExecutionQueue,
  ) {}

  readonly databaseAnswers: HealthIndicatorFunction = () =>
    this.indicators
      .check('database')
      .attempt(async () => {
        await sql`select 1`.execute(this.database);
      })
      .withTimeout(DATABASE_TIMEOUT_MS);

  /** Each promise of the sandbox that does not hold here, why, and what mends it. */
  readonly sandboxHolds: HealthIndicatorFunction = () => {
    const indicator = this.indicators.check('sandbox');
    const report = this.sandboxes.report;
    if (report === undefined) return indicator.down({ message: 'the probe has not ended yet' });
    if (report.ok) return indicator.up(report.warnings.length > 0 ? { warnings: report.warnings } : {});
    const misses = report.checks
      .filter(({ ok }) => !ok)
      .map(({ name, reason, mend }) => ({ name, reason, mend }));
    return indicator.down({ message: 'the sandbox does not hold what it promises', misses });
  };

  readonly queueAnswers: HealthIndicatorFunction = () => {
    const indicator = this.indicators.check('queue');
    return this.queue.reachable ? indicator.up() : indicator.down({ message: 'Redis cannot be reached' });
  };

  readonly takesWork: HealthIndicatorFunction = () => {
    const indicator = this.indicators.check('lifecycle');
    return this.lifecycle.stopping ? indicator.down({ message: 'shutting down' }) : indicator.up();
  };
}
