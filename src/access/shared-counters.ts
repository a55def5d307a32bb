/** Counts calls once for all replicas, in Redis; while that is away, in this process. */
import { Injectable } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { RedisConnections } from '../redis/redis-connections.js';
import { type Counted, seconds, WindowCounters } from './window-counters.js';

/**
 * One step for Redis, so that no two calls are counted as one: a caller that passes the limit is blocked from then on for
 * `blockMs`, in which nothing more is counted, and begins anew after that. rate-limiter-flexible would do that in
 * two round trips and in whole seconds.
 */
const COUNT = `
local limit, windowMs, blockMs = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local hits = tonumber(redis.call('get', KEYS[1]) or '0')
if hits <= limit then
  hits = redis.call('incr', KEYS[1])
  if hits > limit then redis.call('pexpire', KEYS[1], blockMs)
  elseif hits == 1 then redis.call('pexpire', KEYS[1], windowMs) end
end
return {hits, redis.call('pttl', KEYS[1])}`;

@Injectable()
export class SharedCounters implements ThrottlerStorage {
  /** A count of its own for each replica is better than none, and than refusing everybody (ADR 16). */
  private readonly own = new WindowCounters();

  constructor(private readonly connections: RedisConnections) {}

  async increment(key: string, windowMs: number, limit: number, blockMs: number): Promise<Counted> {
    const { commands } = this.connections;
    // `RedisConnections` has said that it is away; a call is not held up to find that out once more.
    if (commands.status !== 'ready') return this.own.increment(key, windowMs, limit, blockMs);
    let counted: [number, number];
    try {
      counted = (await commands.eval(COUNT, 1, `caisson:calls:${key}`, limit, windowMs, blockMs)) as [
        number,
        number,
      ];
    } catch (error) {
      this.connections.complain(error);
      return this.own.increment(key, windowMs, limit, blockMs);
    }
    const [totalHits, left] = counted;
    const isBlocked = totalHits > limit;
    return {
      totalHits,
      timeToExpire: seconds(left),
      isBlocked,
      timeToBlockExpire: isBlocked ? seconds(left) : 0,
    };
  }
}
