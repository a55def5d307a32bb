/** The model gateway of one process: a unix socket per sandbox, one pool of connections to the model for all of them. */
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import Emittery from 'emittery';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { SocketDirectory } from '../sockets/socket-directory.js';
import type { MessageBatches } from './message-batches.js';
import { type ModelAnswer, ModelGateway, type ModelRoute, type ModelRouteOrder } from './model-gateway.js';
import { RehearsalModel } from './rehearsal/rehearsal-model.js';
import { UnixSocketRoute } from './unix-socket-route.js';
import { Upstream } from './upstream.js';
import { UpstreamBatches } from './upstream-batches.js';

interface Started {
  directory: SocketDirectory;
  upstream: Upstream;
  rehearsal?: RehearsalModel;
}

/** What the stand-in is given as key: it takes any. */
const REHEARSAL_KEY = 'rehearsal';

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
      upstream: async () => (await this.started()).upstream,
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
    const { directory, upstream } = await this.started();
    const { values } = this.config;
    try {
      const route = await UnixSocketRoute.open(order, {
        socketPath: directory.newSocketPath(),
        upstream,
        models: values.CLAUDE_CODE_MODELS,
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
    const { directory, upstream, rehearsal } = await this.starting;
    await Promise.all([...this.routes].map((route) => route.close()));
    await upstream.close();
    await rehearsal?.stop();
    await directory.remove();
  }

  /** Once, whoever comes first: a module that opens a route while it starts, or this one's own start. */
  private started(): Promise<Started> {
    return (this.starting ??= this.start());
  }

  private async start(): Promise<Started> {
    const { values, dataDirectory } = this.config;
    const directory = await SocketDirectory.make(dataDirectory);
    const limits = { retries: values.UPSTREAM_RETRIES, timeoutMs: values.UPSTREAM_TIMEOUT_MS };
    if (values.ANTHROPIC_API_KEY !== undefined)
      return {
        directory,
        upstream: new Upstream({ url: values.ANTHROPIC_BASE_URL, key: values.ANTHROPIC_API_KEY, ...limits }),
      };
    const rehearsal = new RehearsalModel();
    const { url } = await rehearsal.start();
    return { directory, rehearsal, upstream: new Upstream({ url, key: REHEARSAL_KEY, ...limits }) };
  }

  private announce(answer: ModelAnswer): void {
    this.answers.emit('answer', answer).catch((error: unknown) => this.logger.error(error));
  }
}
