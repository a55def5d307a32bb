/** Counts calls per IP address and per user, and refuses those above RATE_LIMIT_REQUESTS in a window. */
import { Injectable } from '@nestjs/common';
import { InjectThrottlerStorage, normalizeIp, type ThrottlerStorage } from '@nestjs/throttler';
import type { Response } from 'express';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';

/** What a caller still has, as the `RateLimit-*` headers say it. */
interface Allowance {
  limit: number;
  remaining: number;
  /** Seconds until the window begins anew. */
  reset: number;
}

@Injectable()
export class Throttle {
  constructor(
    @InjectThrottlerStorage() private readonly storage: ThrottlerStorage,
    private readonly config: Config,
  ) {}

  /**
   * Counts one call of an address (IPv6: of its /64 network, which one subscriber has to himself).
   * @throws ClaudeCodeError E002
   */
  byAddress(address: string, response?: Response): Promise<void> {
    return this.count('ip', normalizeIp(address), response);
  }

  /** Counts one call of a user. @throws ClaudeCodeError E002 */
  byUser(userId: string, response?: Response): Promise<void> {
    return this.count('user', userId, response);
  }

  private async count(by: 'ip' | 'user', who: string, response?: Response): Promise<void> {
    const { RATE_LIMIT_REQUESTS: limit, RATE_LIMIT_WINDOW_MS: windowMs } = this.config.values;
    const record = await this.storage.increment(`${by}:${who}`, windowMs, limit, windowMs, by);
    const reset = record.isBlocked ? record.timeToBlockExpire : record.timeToExpire;
    if (response !== undefined)
      tell(response, {
        limit,
        remaining: record.isBlocked ? 0 : Math.max(0, limit - record.totalHits),
        reset,
      });
    if (record.isBlocked)
      throw new ClaudeCodeError('E002', `Too many requests per ${by === 'ip' ? 'address' : 'user'}.`, {
        retryAfter: reset,
      });
  }
}

/** Of the two counters the one that will refuse first is told. */
function tell(response: Response, { limit, remaining, reset }: Allowance): void {
  const told = response.getHeader('RateLimit-Remaining');
  if (told !== undefined && Number(told) < remaining) return;
  response.setHeader('RateLimit-Limit', String(limit));
  response.setHeader('RateLimit-Remaining', String(remaining));
  response.setHeader('RateLimit-Reset', String(reset));
}
