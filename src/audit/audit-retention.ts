/** Removes audit entries older than AUDIT_RETENTION_DAYS, in small steps, never from a broken chain. */
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { DAY_MS, Sweeper } from '../execution/sweeper.js';
import { AuditLog } from './audit-log.js';

const EVERY_MS = 60 * 60 * 1000;

@Injectable()
export class AuditRetention extends Sweeper {
  constructor(
    private readonly log: AuditLog,
    private readonly config: Config,
  ) {
    super(EVERY_MS);
  }

  protected async remove(now: number): Promise<void> {
    const cutoff = now - this.config.values.AUDIT_RETENTION_DAYS * DAY_MS;
    while (!this.stopping && (await this.log.sweep(cutoff)) > 0);
  }
}
