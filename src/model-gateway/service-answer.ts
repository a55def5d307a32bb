/** What the service's answers say when they are no success, and bodies read within a bound. */
import type { RouteFailure } from './model-gateway.js';
import { parseRetryAfter } from './retry-policy.js';
import { isTimeout, type UpstreamAnswer } from './upstream.js';

/** Bytes of an error answer that are read; the API's own are far below. */
export const MAX_ERROR_BYTES = 64 * 1024;

/** The failure that an answer with an error status is. @param body its text, or the beginning of it */
export function failureOf({ status, headers }: Pick<UpstreamAnswer, 'status' | 'headers'>, body: string) {
  const retryAfter = parseRetryAfter(headers['retry-after']);
  return {
    code: status === 429 ? 'E002' : 'E005',
    message: `the model service answered ${status}${errorType(body)}`,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  } as const satisfies RouteFailure;
}

/** The failure that no answer at all is. @param error as `Upstream.send` threw it */
export const unreachable = (error: unknown) =>
  ({
    code: 'E005',
    message: isTimeout(error)
      ? 'the model service did not answer in time'
      : 'the model service cannot be reached',
  }) as const satisfies RouteFailure;

/** The words of the providers for what went wrong: `overloaded_error`, `RESOURCE_EXHAUSTED`, `insufficient_quota`. */
const ERROR_TYPES = [/"type":\s*"(\w+_error)"/, /"status":\s*"([A-Z_]+)"/, /"code":\s*"(\w+)"/];

/** ` (overloaded_error)` and the like; '' when the body is no error of a provider. */
function errorType(body: string): string {
  const type = ERROR_TYPES.map((pattern) => pattern.exec(body)?.[1]).find((found) => found !== undefined);
  return type === undefined ? '' : ` (${type})`;
}

/** As much of a body as `maxBytes` hold, or a little more; leaves the rest unread. */
export async function readUpTo(chunks: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const read: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    read.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) break;
  }
  return Buffer.concat(read);
}
