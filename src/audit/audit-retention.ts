/** Removes audit entries older than AUDIT_RETENTION_DAYS, in small steps, never from a broken chain. */
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/config.js';
import { SweepClock } from '../execution/sweep-clock.js';
import { AuditLog } from './audit-log.js';

const DAY_MS = 86_400_000;
const EVERY_MS = 3_600_000;

@Injectable()
export class AuditRetention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(AuditRetention.name);
  private timer?: NodeJS.Timeout;
  private stopping = false;
  private readonly clock = new SweepClock();

  constructor(
    private readonly log: AuditLog,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.sweep(), EVERY_MS).unref();
  }

  onModuleDestroy(): void {
    this.stopping = true;
    clearInterval(this.timer);
  }

  /** Never rejects: the next hour tries again. */
  async sweep(now = this.clock.now()): Promise<void> {
    const cutoff = now - this.config.values.AUDIT_RETENTION_DAYS * DAY_MS;
    try {
      while (!this.stopping && (await this.log.sweep(cutoff)) > 0);
    } catch (error) {
      this.logger.error({ msg: 'the audit could not be swept', err: error });
    }
  }
}
