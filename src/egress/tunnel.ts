/** Carries bytes both ways between two sockets, at the pace of the slower one, until an end or a limit. */
import type { Socket } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface TunnelLimits {
  /** Milliseconds without a byte either way. */
  idleMs: number;
  /** Milliseconds in all. */
  totalMs: number;
  /** Bytes of both ways together. */
  maxBytes: number;
}

/** Why a tunnel ended: both sides had done, or one broke it, or one of the limits, or from outside. */
export type TunnelEnd = 'done' | 'broken' | 'idle' | 'time' | 'bytes' | 'closed';

export interface TunnelReport {
  /** From the sandbox. */
  bytesUp: number;
  bytesDown: number;
  end: TunnelEnd;
}

class Cut extends Error {
  constructor(readonly end: TunnelEnd) {
    super(`tunnel cut: ${end}`);
  }
}

/**
 * Never rejects; both sockets are gone when it has resolved.
 * @param first what the client has sent already @param closing cuts it from outside
 */
export async function tunnel(
  client: Socket,
  upstream: Socket,
  first: Buffer,
  limits: TunnelLimits,
  closing: AbortSignal,
): Promise<TunnelReport> {
  const report: TunnelReport = { bytesUp: first.length, bytesDown: 0, end: 'done' };
  const cut = new AbortController();
  const signal = AbortSignal.any([cut.signal, closing]);
  const count = (way: 'bytesUp' | 'bytesDown') =>
    new Transform({
      transform(chunk: Buffer, _, done) {
        report[way] += chunk.length;
        if (report.bytesUp + report.bytesDown > limits.maxBytes) cut.abort(new Cut('bytes'));
        else done(null, chunk);
      },
    });
  const total = setTimeout(() => cut.abort(new Cut('time')), limits.totalMs);
  // Every byte passes both sockets: the idleness of one is that of the tunnel.
  client.setTimeout(limits.idleMs, () => cut.abort(new Cut('idle')));
  try {
    signal.throwIfAborted();
    upstream.write(first);
    await Promise.all([
      pipeline(client, count('bytesUp'), upstream, { signal }),
      pipeline(upstream, count('bytesDown'), client, { signal }),
    ]);
  } catch {
    const reason: unknown = signal.reason;
    report.end = reason instanceof Cut ? reason.end : closing.aborted ? 'closed' : 'broken';
  } finally {
    clearTimeout(total);
    client.destroy();
    upstream.destroy();
  }
  return report;
}
