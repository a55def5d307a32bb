/** Ends a sandbox that has passed a limit: the kernel refuses or kills what is too much, and counts; here it is noticed. */
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { ExceededLimit, Sandbox } from '../sandbox.js';
import type { Confinement } from './limiter.js';

/** Milliseconds between two looks: two small files each, and nobody minds a fork bomb at its limit for that long. */
const LOOK_EVERY = 200;

/** Milliseconds without a look (a machine out of descriptors) until nobody can say any more that a limit holds. */
const BLIND_FOR = 10_000;

const logger = new Logger('SandboxLimits');

/** Looks until the sandbox has ended; never rejects. Where the limits cannot be looked at for long, the sandbox is ended. */
export async function guard(
  confinement: Confinement,
  sandbox: Sandbox & { exceed(limit: ExceededLimit): void },
): Promise<void> {
  const over = new AbortController();
  void sandbox.exited.then(() => over.abort());
  let lastLook = performance.now();
  try {
    for (;;) {
      await delay(LOOK_EVERY, undefined, { signal: over.signal, ref: false });
      try {
        const exceeded = await confinement.exceeded();
        if (exceeded !== undefined) return sandbox.exceed(exceeded);
        lastLook = performance.now();
      } catch (error) {
        if (performance.now() - lastLook > BLIND_FOR) throw error;
      }
    }
  } catch (error) {
    if (over.signal.aborted) return;
    logger.error({ msg: 'a sandbox is ended because its limits cannot be seen', err: error });
    await sandbox.end(0);
  }
}
