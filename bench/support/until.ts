/** Waits for conditions. */
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves once the condition holds. @throws Error after `timeoutMs` */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 60_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(10);
  }
}
