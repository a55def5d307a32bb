/** One open way to granted hosts: an HTTP server on a unix socket that knows CONNECT and nothing else. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { isNamedBy } from '../config/host-pattern.js';
import { listenFor } from '../sockets/listen-for.js';
import { type Arrival, Connection, type ConnectionRules } from './connection.js';
import type { EgressEvents, EgressOrder, EgressRoute } from './egress-gateway.js';
import { EgressRefusal } from './refusal.js';

export interface EgressRouteOptions extends ConnectionRules {
  socketPath: string;
  limits: ConnectionRules['limits'] & {
    /** Connections at once; one more is closed unheard. */
    connections: number;
    /** Requests over the life of the route, each of which is an entry of the audit; the first one more is its last entry. */
    requests: number;
  };
  onEnded: (ended: EgressEvents['ended']) => void;
  onClose: (route: UnixSocketEgressRoute) => void;
}

/** Bytes: a request line of the longest name, and the few fields that clients send along. */
const MAX_HEADER_BYTES = 8192;
/** Milliseconds between two looks at requests that do not come to their end. */
const LOOK_EVERY_MS = 1000;

export class UnixSocketEgressRoute implements EgressRoute {
  private readonly server: Server;
  private readonly connections = new Map<Connection, Promise<void>>();
  private readonly heard = new WeakSet<Socket>();
  private hosts: readonly string[];
  private requests = 0;
  private closed = false;

  private constructor(
    readonly order: EgressOrder,
    private readonly options: EgressRouteOptions,
  ) {
    const { handshakeMs, connections } = options.limits;
    this.hosts = order.hosts;
    this.server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: handshakeMs,
      requestTimeout: handshakeMs,
      connectionsCheckingInterval: Math.min(LOOK_EVERY_MS, handshakeMs),
    });
    this.server.maxConnections = connections;
    this.server.on('connect', (request, client, head) =>
      this.accept({ request, client: client as Socket, head }),
    );
    this.server.on('request', (request) => this.accept({ request, client: request.socket }));
    this.server.on('clientError', (error: NodeJS.ErrnoException, client) => {
      if (error.code !== 'ECONNRESET') this.accept({ client: client as Socket }, misunderstood(error));
    });
  }

  /** @throws Error of the operating system when the socket cannot be made */
  static async open(order: EgressOrder, options: EgressRouteOptions): Promise<UnixSocketEgressRoute> {
    const route = new UnixSocketEgressRoute(order, options);
    try {
      await listenFor(route.server, options.socketPath, order.uid);
    } catch (error) {
      await route.close();
      throw error;
    }
    return route;
  }

  get socketPath(): string {
    return this.options.socketPath;
  }

  /**
   * Takes back what was granted before and is not now, also hosts that a lost pattern named: nothing new goes there, and
   * what goes there is cut. What stood in neither was granted by somebody else.
   */
  revoke(before: readonly string[], now: readonly string[]): void {
    this.hosts = this.hosts.filter((host) => !isNamedBy(host, before) || isNamedBy(host, now));
    for (const connection of this.connections.keys())
      if (connection.host !== undefined && !isNamedBy(connection.host, this.hosts))
        connection.cut(new EgressRefusal('not-granted'));
  }

  async close(): Promise<void> {
    this.closed = true;
    const over = this.server.listening ? once(this.server, 'close') : undefined;
    if (over !== undefined) this.server.close();
    for (const connection of this.connections.keys()) connection.cut(new EgressRefusal('closed'));
    await Promise.all(this.connections.values());
    this.server.closeAllConnections();
    await over;
    this.options.onClose(this);
  }

  /** A socket is heard once: what follows the first request is for its tunnel, or for nobody. */
  private accept(arrival: Arrival, refused?: EgressRefusal): void {
    const { client } = arrival;
    if (this.closed || this.heard.has(client)) return void client.destroy();
    this.heard.add(client);
    this.requests += 1;
    const left = this.options.limits.requests - this.requests;
    if (left < -1) return void client.destroy();
    const connection = new Connection(arrival, this.order, this.options);
    const ended = connection
      .run(this.hosts, left < 0 ? new EgressRefusal('too-many') : refused)
      .then(this.options.onEnded)
      .finally(() => this.connections.delete(connection));
    this.connections.set(connection, ended);
  }
}

/** Why there is no request: not HTTP, too long, or not whole in time. */
function misunderstood({ code }: NodeJS.ErrnoException): EgressRefusal {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new EgressRefusal('too-slow');
  return new EgressRefusal(code === 'HPE_HEADER_OVERFLOW' ? 'too-large' : 'malformed');
}
