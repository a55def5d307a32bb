/**
 * The application without its inside: access, errors, audit, metrics and health are real, over real HTTP and a real
 * database in a temporary directory; executions, sandboxes and the model gateway are stand-ins a test can play.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { EventEmitter } from 'node:events';
import { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Body, Controller, Get, Global, Module, Post, Res, type Type } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import Emittery from 'emittery';
import { AccessModule } from '../../src/access/access.module.js';
import { ApiKeys } from '../../src/access/api-keys.js';
import { AuditedByExecution } from '../../src/access/audited.decorator.js';
import { prepareHttp } from '../../src/access/http.js';
import type { Scope } from '../../src/access/principal.js';
import { Scopes } from '../../src/access/scopes.decorator.js';
import { AgentsModule } from '../../src/agents/agents.module.js';
import { WarmPlaces } from '../../src/agents/warm-places.js';
import { AuditModule } from '../../src/audit/audit.module.js';
import { AnswerStore } from '../../src/cache/answer-store.js';
import { CacheEvents } from '../../src/cache/cache-events.js';
import { CacheModule } from '../../src/cache/cache.module.js';
import { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { Config } from '../../src/config/config.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { ErrorsModule } from '../../src/errors/errors.module.js';
import { DomainEvents } from '../../src/execution/domain-events.js';
import { EventLog } from '../../src/execution/event-log.js';
import { ExecutionModule } from '../../src/execution/execution.module.js';
import { ExecutionQueue } from '../../src/execution/execution-queue.js';
import { HeldExecutions } from '../../src/execution/held-executions.js';
import { Lifecycle } from '../../src/execution/lifecycle.js';
import type { Priority } from '../../src/execution/waiting.js';
import { HealthModule } from '../../src/health/health.module.js';
import { Log } from '../../src/logging/log.js';
import { LoggingModule } from '../../src/logging/logging.module.js';
import { MetricsModule } from '../../src/metrics/metrics.module.js';
import { ModelGateway } from '../../src/model-gateway/model-gateway.js';
import { ModelGatewayModule } from '../../src/model-gateway/model-gateway.module.js';
import { Database } from '../../src/persistence/database.js';
import { PersistenceModule } from '../../src/persistence/persistence.module.js';
import { type ProbeReport, Sandboxes } from '../../src/sandbox/sandbox.js';
import { SandboxModule } from '../../src/sandbox/sandbox.module.js';

/** Routes that only these tests have. */
@Controller('trial')
class TrialController {
  @Get('open-to-readers')
  @Scopes('read')
  read(): string {
    return 'read';
  }

  @Get('undeclared')
  undeclared(): string {
    return 'nobody may see this';
  }

  @Get('defect')
  @Scopes('read')
  defect(): never {
    throw new Error('csk_secret-in-the-message of /etc/secret');
  }

  @Get('broken-stream')
  @Scopes('read')
  stream(@Res() response: ServerResponse): never {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: first\n\n');
    throw new Error('the stream broke');
  }

  @Post('requests')
  @Scopes('run')
  @AuditedByExecution()
  submit(@Body() request: ClaudeCodeRequest): ClaudeCodeRequest {
    return request;
  }
}

const sandbox: { report?: ProbeReport; starts: Emittery } = { starts: new Emittery() };
const eventLog: Pick<EventLog, 'deliveries'> = {
  // One for all the applications of a suite.
  deliveries: new EventEmitter<{ delivered: [{ lagMs: number }] }>().setMaxListeners(0),
};
const queue = { waiting: { interactive: 0, batch: 0 }, running: 0, reachable: true };
const held = { count: () => Promise.resolve(0) };
const gateway = { answers: new Emittery() };

@Global()
@Module({
  providers: [
    DomainEvents,
    Lifecycle,
    { provide: EventLog, useValue: eventLog },
    { provide: ExecutionQueue, useValue: queue },
    { provide: HeldExecutions, useValue: held },
  ],
  exports: [DomainEvents, Lifecycle, ExecutionQueue, EventLog, HeldExecutions],
})
class StandInExecutionModule {}

@Module({ providers: [{ provide: Sandboxes, useValue: sandbox }], exports: [Sandboxes] })
class StandInSandboxModule {}

@Global()
@Module({ providers: [{ provide: ModelGateway, useValue: gateway }], exports: [ModelGateway] })
class StandInModelGatewayModule {}

const places = { events: new Emittery(), ready: 0, ages: [], memoryBytes: 0 };

@Module({ providers: [{ provide: WarmPlaces, useValue: places }], exports: [WarmPlaces] })
class StandInAgentsModule {}

const answers = { size: () => Promise.resolve({ answers: 0, bytes: 0 }) };

@Module({
  providers: [CacheEvents, { provide: AnswerStore, useValue: answers }],
  exports: [AnswerStore, CacheEvents],
})
class StandInCacheModule {}

export interface EdgeApp {
  url: string;
  /** CAISSON_DATA. */
  directory: string;
  database: Database;
  events: DomainEvents;
  lifecycle: Lifecycle;
  gateway: { answers: Emittery };
  queue: { waiting: Record<Priority, number>; running: number };
  sandbox: { report?: ProbeReport; starts: Emittery };
  eventLog: Pick<EventLog, 'deliveries'>;
  /** Log lines so far. */
  lines: string[];
  get: <T>(token: Type<T>) => T;
  /** A key with these scopes, for this user. */
  key: (userId: string, ...scopes: Scope[]) => Promise<string>;
  /** A request with a key. */
  call: (path: string, key?: string, init?: RequestInit) => Promise<Response>;
  close: () => Promise<void>;
}

/** The JSON of an answer; its shape is for the assertions to tell. */
export const bodyOf = async (response: Response | Promise<Response>) =>
  JSON.parse(await (await response).text());

export async function openEdgeApp(env: NodeJS.ProcessEnv = {}): Promise<EdgeApp> {
  const directory = await mkdtemp(join(tmpdir(), 'caisson-edge-'));
  const config = Config.from({ CAISSON_DATA: directory, RATE_LIMIT_REQUESTS: '10000', ...env });
  const lines: string[] = [];
  const log = new Log(config, { write: (line) => lines.push(line) });
  const testing = await Test.createTestingModule({
    controllers: [TrialController],
    imports: [
      ConfigModule.register(config),
      LoggingModule,
      ErrorsModule,
      PersistenceModule,
      AccessModule,
      AuditModule,
      MetricsModule,
      HealthModule,
    ],
  })
    .overrideModule(ExecutionModule)
    .useModule(StandInExecutionModule)
    .overrideModule(AgentsModule)
    .useModule(StandInAgentsModule)
    .overrideModule(CacheModule)
    .useModule(StandInCacheModule)
    .overrideModule(SandboxModule)
    .useModule(StandInSandboxModule)
    .overrideModule(ModelGatewayModule)
    .useModule(StandInModelGatewayModule)
    .overrideProvider(Log)
    .useValue(log)
    .compile();
  const app = testing.createNestApplication<NestExpressApplication>({ bodyParser: false, logger: log });
  prepareHttp(app);
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  return {
    url,
    directory,
    lines,
    sandbox,
    eventLog,
    queue,
    gateway,
    database: app.get(Database),
    events: app.get(DomainEvents, { strict: false }),
    lifecycle: app.get(Lifecycle, { strict: false }),
    get: (token) => app.get(token, { strict: false }),
    key: async (userId, ...scopes) =>
      (await app.get(ApiKeys).create({ userId, name: 'test', scopes })).secret,
    call: (path, key, init = {}) => {
      const headers = new Headers(init.headers);
      if (key !== undefined) headers.set('Authorization', `Bearer ${key}`);
      if (init.body !== undefined && !headers.has('Content-Type'))
        headers.set('Content-Type', 'application/json');
      return fetch(url + path, { ...init, headers });
    },
    close: async () => {
      await app.close();
      await rm(directory, { recursive: true });
    },
  };
}
