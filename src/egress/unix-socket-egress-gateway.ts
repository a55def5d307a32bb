/** The egress gateway of one process: a unix socket per sandbox that was granted hosts. */
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import Emittery from 'emittery';
import { Config } from '../config/config.js';
import { hostPattern } from '../config/host-pattern.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { SocketDirectory } from '../sockets/socket-directory.js';
import { type EgressEvents, EgressGateway, type EgressOrder, type EgressRoute } from './egress-gateway.js';
import { EgressGrants } from './egress-grants.js';
import { Resolver } from './resolver.js';
import { type EgressRouteOptions, UnixSocketEgressRoute } from './unix-socket-egress-route.js';

@Injectable()
export class UnixSocketEgressGateway extends EgressGateway implements OnModuleInit, OnApplicationShutdown {
  readonly events = new Emittery<EgressEvents>();
  private readonly logger = new Logger('Egress');
  private readonly routes = new Set<UnixSocketEgressRoute>();
  private starting?: Promise<SocketDirectory>;

  constructor(
    private readonly config: Config,
    private readonly grants: EgressGrants,
    private readonly resolver: Resolver,
  ) {
    super();
  }

  async onModuleInit(): Promise<void> {
    await this.directory();
  }

  async open(order: EgressOrder): Promise<UnixSocketEgressRoute> {
    const hosts = order.hosts.map(validPattern);
    try {
      const directory = await this.directory();
      const options = this.optionsAt(directory.newSocketPath());
      const route = await UnixSocketEgressRoute.open({ ...order, hosts }, options);
      this.routes.add(route);
      return route;
    } catch (cause) {
      throw new ClaudeCodeError('E012', 'no way to granted hosts can be opened', { retryAfter: 5, cause });
    }
  }

  async openGranted(order: Omit<EgressOrder, 'hosts'>): Promise<EgressRoute | undefined> {
    const { userId, projectId } = order;
    const hosts = await this.grantsOf(userId, projectId);
    if (hosts.length === 0) return undefined;
    const route = await this.open({ ...order, hosts });
    try {
      // Looked at again: whoever took a host back before the route was there could not tell it.
      route.revoke(hosts, await this.grantsOf(userId, projectId));
      return route;
    } catch (error) {
      await route.close();
      throw error;
    }
  }

  async grantsOf(userId: string, projectId: string): Promise<readonly string[]> {
    const own = await this.grants.of(userId, projectId);
    return [...new Set([...this.config.values.EGRESS_ALLOW, ...own])];
  }

  /** Replaces a project's own hosts; those that it loses are closed to its running sandboxes too. */
  async grant(userId: string, projectId: string, patterns: readonly string[]): Promise<void> {
    const before = await this.grantsOf(userId, projectId);
    await this.grants.set(userId, projectId, patterns);
    const after = await this.grantsOf(userId, projectId);
    for (const route of this.routes)
      if (route.order.userId === userId && route.order.projectId === projectId) route.revoke(before, after);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.routes].map((route) => route.close()));
    await (await this.starting)?.remove();
  }

  /** Once, whoever comes first: a module that opens a route while it starts, or this one's own start. */
  private directory(): Promise<SocketDirectory> {
    return (this.starting ??= SocketDirectory.make(this.config.dataDirectory));
  }

  private optionsAt(socketPath: string): EgressRouteOptions {
    const { values } = this.config;
    return {
      socketPath,
      resolver: this.resolver,
      addresses: { loopback: values.EGRESS_TEST_LOOPBACK },
      limits: {
        connections: values.EGRESS_CONNECTIONS,
        requests: values.EGRESS_REQUESTS,
        handshakeMs: values.EGRESS_HANDSHAKE_TIMEOUT_MS,
        idleMs: values.EGRESS_IDLE_TIMEOUT_MS,
        totalMs: values.EGRESS_TOTAL_TIMEOUT_MS,
        maxBytes: values.EGRESS_MAX_BYTES,
      },
      record: async (connection) => {
        try {
          await this.events.emitSerial('connection', connection);
        } catch (error) {
          this.logger.error({ msg: 'an egress connection cannot be recorded', connection, err: error });
          throw error;
        }
      },
      onEnded: (ended) => this.tell(ended),
      onClose: (closed) => this.routes.delete(closed),
    };
  }

  private tell(ended: EgressEvents['ended']): void {
    const { connection, durationMs, report } = ended;
    this.logger.log({ msg: 'egress connection', ...connection, durationMs, ...report });
    this.events.emit('ended', ended).catch((error: unknown) => this.logger.error(error));
  }
}

/** @throws ClaudeCodeError E003 */
function validPattern(host: string): string {
  const pattern = hostPattern(host);
  if (pattern === undefined) throw new ClaudeCodeError('E003', `"${host}" is no host that can be granted.`);
  return pattern;
}
