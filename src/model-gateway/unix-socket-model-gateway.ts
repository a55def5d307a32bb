/** The model gateway of one process: a unix socket per sandbox, one pool of connections to the model for all of them. */
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import Emittery from 'emittery';
import { type Provider, PROVIDERS } from '../config/acp-agents.js';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { SocketDirectory } from '../sockets/socket-directory.js';
import type { MessageBatches } from './message-batches.js';
import { type ModelAnswer, ModelGateway, type ModelRoute, type ModelRouteOrder } from './model-gateway.js';
import { RehearsalModel } from './rehearsal/rehearsal-model.js';
import { UnixSocketRoute } from './unix-socket-route.js';
import { Upstream } from './upstream.js';
import { UpstreamBatches } from './upstream-batches.js';
import { WIRES } from './wires.js';

interface Started {
  directory: SocketDirectory;
  /** Of the providers that can be asked. */
  upstreams: Partial<Record<Provider, Upstream>>;
  rehearsal?: RehearsalModel;
}

/** What the stand-in is given as key: it takes any. */
const REHEARSAL_KEY = 'rehearsal';
/** Seconds: an operator has to set it. */
const RETRY_AFTER = 60;

@Injectable()
export class UnixSocketModelGateway extends ModelGateway implements OnModuleInit, OnApplicationShutdown {
  readonly answers = new Emittery<{ answer: ModelAnswer }>();
  /** Over the same connections, with the same key. */
  readonly batches: MessageBatches;
  private readonly logger = new Logger('ModelGateway');
  private readonly routes = new Set<ModelRoute>();
  private starting?: Promise<Started>;

  constructor(private readonly config: Config) {
    super();
    this.batches = new UpstreamBatches({
      upstream: () => this.upstreamOf('anthropic'),
      models: config.values.CLAUDE_CODE_MODELS,
      onAnswer: (answer) => {
        this.logger.log({ msg: 'model batches answer', ...answer });
        this.announce(answer);
      },
    });
  }

  async onModuleInit(): Promise<void> {
    await this.started();
  }

  async open(order: ModelRouteOrder): Promise<ModelRoute> {
    const { directory } = await this.started();
    const { values } = this.config;
    const { provider = 'anthropic', models = values.CLAUDE_CODE_MODELS, maxTurns } = order;
    const upstream = await this.upstreamOf(provider);
    try {
      const route = await UnixSocketRoute.open(order, {
        socketPath: directory.newSocketPath(),
        upstream,
        models,
        maxTurns,
        maxBodyBytes: values.UPSTREAM_BODY_MAX_BYTES,
        maxRequests: values.ROUTE_MAX_REQUESTS,
        logger: this.logger,
        onAnswer: (answer) => this.announce(answer),
        onClose: (closed) => this.routes.delete(closed),
      });
      this.routes.add(route);
      return route;
    } catch (cause) {
      throw new ClaudeCodeError('E012', 'no way to the model can be opened', { retryAfter: 5, cause });
    }
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.starting === undefined) return;
    const { directory, upstreams, rehearsal } = await this.starting;
    await Promise.all([...this.routes].map((route) => route.close()));
    await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
    await rehearsal?.stop();
    await directory.remove();
  }

  /** @throws ClaudeCodeError E012 */
  private async upstreamOf(provider: Provider): Promise<Upstream> {
    const upstream = (await this.started()).upstreams[provider];
    if (upstream !== undefined) return upstream;
    throw new ClaudeCodeError('E012', `There is no key of ${provider}.`, { retryAfter: RETRY_AFTER });
  }

  /** Once, whoever comes first: a module that opens a route while it starts, or this one's own start. */
  private started(): Promise<Started> {
    return (this.starting ??= this.start());
  }

  private async start(): Promise<Started> {
    const { values, dataDirectory } = this.config;
    const directory = await SocketDirectory.make(dataDirectory);
    const rehearsal = this.config.rehearsal ? new RehearsalModel() : undefined;
    const rehearsed = await rehearsal?.start();
    const upstreams: Started['upstreams'] = {};
    for (const provider of PROVIDERS) {
      const { url, key } = this.config.serviceOf(provider);
      const at = key === undefined ? rehearsed?.url : url;
      if (at === undefined) continue;
      upstreams[provider] = new Upstream({
        ...{ url: at, key: key ?? REHEARSAL_KEY, wire: WIRES[provider] },
        ...{ retries: values.UPSTREAM_RETRIES, timeoutMs: values.UPSTREAM_TIMEOUT_MS },
      });
    }
    return { directory, upstreams, rehearsal };
  }

  private announce(answer: ModelAnswer): void {
    this.answers.emit('answer', answer).catch((error: unknown) => this.logger.error(error));
  }
}
