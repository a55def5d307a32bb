/** One connection of a sandbox: judged, dialled, recorded, and only then carried. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { isNamedBy } from '../config/host-pattern.js';
import { serverNameOf } from './client-hello.js';
import { connectTarget, HTTPS_PORT } from './connect-target.js';
import { dial } from './dial.js';
import type { EgressConnection, EgressEvents, EgressOrder } from './egress-gateway.js';
import { firstBytes } from './first-bytes.js';
import { type AddressRule, isPublic } from './public-address.js';
import { EgressRefusal } from './refusal.js';
import type { Resolver } from './resolver.js';
import { tunnel, type TunnelLimits, type TunnelReport } from './tunnel.js';

export interface ConnectionRules {
  resolver: Resolver;
  addresses: AddressRule;
  limits: TunnelLimits & {
    /** Milliseconds for each step of a beginning: the request, the name, the dialling, the first message of TLS. */
    handshakeMs: number;
  };
  /** Rejects when the connection cannot be recorded. */
  record: (connection: EgressConnection) => Promise<void>;
}

/** What came from the sandbox; without a head it was no CONNECT. */
export interface Arrival {
  client: Socket;
  request?: IncomingMessage;
  head?: Buffer;
}

/** Characters of what was asked that are kept: a name has 253. */
const MAX_ASKED_CHARS = 300;

export class Connection {
  /** Set once it is known where it goes. */
  host?: string;
  private readonly facts: EgressConnection;
  private readonly cutting = new AbortController();
  private readonly startedAt = performance.now();
  private recorded = false;

  constructor(
    private readonly arrival: Arrival,
    { userId, projectId, executionId }: EgressOrder,
    private readonly rules: ConnectionRules,
  ) {
    const asked = askedBy(arrival.request);
    this.facts = { id: randomUUID(), userId, projectId, executionId, asked, outcome: 'opened' };
  }

  /** Ends it, at whatever point it is. */
  cut(reason: EgressRefusal): void {
    this.cutting.abort(reason);
  }

  /**
   * Never rejects; nothing of it is open when it has resolved.
   * @param hosts patterns that were granted @param refused when it is refused already, why
   */
  async run(hosts: readonly string[], refused?: EgressRefusal): Promise<EgressEvents['ended']> {
    const { client } = this.arrival;
    client.on('error', () => undefined); // seen as its end
    let report: TunnelReport | undefined;
    try {
      if (refused !== undefined) throw refused;
      report = await this.carry(hosts);
    } catch (error) {
      await this.refuse(
        error instanceof EgressRefusal ? error : new EgressRefusal('defect', { cause: error }),
      );
    } finally {
      client.destroy();
    }
    return { connection: this.facts, durationMs: performance.now() - this.startedAt, report };
  }

  /** From the request to the end of the tunnel. @throws EgressRefusal */
  private async carry(hosts: readonly string[]): Promise<TunnelReport> {
    const { limits } = this.rules;
    const { signal } = this.cutting;
    const host = this.admit(hosts);
    this.host = host;
    const addresses = await this.resolve(host);
    const upstream = await dial(addresses, HTTPS_PORT, { timeoutMs: limits.handshakeMs, signal });
    try {
      this.facts.address = upstream.remoteAddress;
      const hello = await this.hello(host);
      await this.record();
      return await tunnel(this.arrival.client, upstream, hello, limits, signal);
    } finally {
      upstream.destroy();
    }
  }

  /** @returns the host that is asked for and granted @throws EgressRefusal */
  private admit(hosts: readonly string[]): string {
    const { request, head } = this.arrival;
    if (request === undefined || head === undefined) throw new EgressRefusal('not-connect');
    // A CONNECT has no body; whoever says that it has wants two readers to disagree on where it ends.
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    if (length !== undefined || encoding !== undefined) throw new EgressRefusal('malformed');
    const host = connectTarget(request.url ?? '');
    if (!isNamedBy(host, hosts)) throw new EgressRefusal('not-granted');
    return host;
  }

  /** Asked once: what is checked here is what is dialled. @throws EgressRefusal */
  private async resolve(host: string): Promise<string[]> {
    const { resolver, addresses, limits } = this.rules;
    const signal = AbortSignal.any([this.cutting.signal, AbortSignal.timeout(limits.handshakeMs)]);
    const late = once(signal, 'abort').then(() => Promise.reject(new Error('no answer in time')));
    const found = await Promise.race([resolver.addressesOf(host), late]).catch((cause: unknown) => {
      this.cutting.signal.throwIfAborted();
      throw new EgressRefusal('unresolved', { cause });
    });
    const usable = found.filter((address) => isPublic(address, addresses));
    if (usable.length > 0) return usable;
    throw new EgressRefusal(found.length === 0 ? 'unresolved' : 'private-address');
  }

  /** Tells the client that it may begin, and waits for TLS that names the same host. @throws EgressRefusal */
  private async hello(host: string): Promise<Buffer> {
    const { client, head = Buffer.alloc(0) } = this.arrival;
    const { handshakeMs } = this.rules.limits;
    const signal = AbortSignal.any([this.cutting.signal, AbortSignal.timeout(handshakeMs)]);
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    const { bytes, found } = await firstBytes(client, head, serverNameOf, signal);
    if (found !== host) throw new EgressRefusal('other-server-name');
    return bytes;
  }

  /** @throws EgressRefusal */
  private async record(): Promise<void> {
    this.recorded = true;
    try {
      await this.rules.record({ ...this.facts });
    } catch (cause) {
      throw new EgressRefusal('unrecorded', { cause });
    }
  }

  /** Records it if that has not been tried, and says why, if the client can still hear it. */
  private async refuse(refusal: EgressRefusal): Promise<void> {
    this.facts.outcome = refusal.reason;
    // It stays refused when it cannot be recorded; whoever records tells of that.
    if (!this.recorded) await this.record().catch(() => undefined);
    const { answer } = refusal;
    const { client } = this.arrival;
    if (answer === undefined || this.facts.address !== undefined || !client.writable) return;
    const { status, text } = answer;
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(text)}`,
      'Connection: close',
    ];
    // Read on, or what was not read would reset the connection before the answer is read.
    client.resume().end(`${head.join('\r\n')}\r\n\r\n${text}`);
    const patience = AbortSignal.timeout(this.rules.limits.handshakeMs);
    const signal = AbortSignal.any([this.cutting.signal, patience]);
    if (!client.destroyed) await once(client, 'close', { signal }).catch(() => undefined); // long enough
  }
}

/** Fit for a log: one line of printable ASCII. */
function askedBy(request?: IncomingMessage): string {
  if (request === undefined) return 'no HTTP';
  const asked = `${request.method ?? ''} ${(request.url ?? '').split('?', 1)[0] ?? ''}`;
  return asked.replaceAll(/[^ -~]/g, '?').slice(0, MAX_ASKED_CHARS);
}
