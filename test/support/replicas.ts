/** Event logs of several processes in this one: each with connections of its own to one Redis, and to one database. */
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Config } from '../../src/config/config.js';
import type { ExecutionEvent, StreamItem } from '../../src/execution/execution-event.js';
import type { Database } from '../../src/persistence/database.js';
import { openDatabase } from '../../src/persistence/persistence.module.js';
import { RedisChannels } from '../../src/redis/redis-channels.js';
import { RedisConnections } from '../../src/redis/redis-connections.js';
import { EventBroadcast } from '../../src/streaming/event-broadcast.js';
import { EventFeed } from '../../src/streaming/event-feed.js';
import { RedisBroadcast } from '../../src/streaming/redis-broadcast.js';
import { StoredEventLog } from '../../src/streaming/stored-event-log.js';

/** Milliseconds: short, so that no test waits long for a look. */
const LOOK_MS = '200';

export const configOf = (directory: string, more: NodeJS.ProcessEnv = {}) =>
  Config.from({ CAISSON_DATA: join(directory, 'data'), STREAM_BUFFER_EVENTS: '2000', ...more });

/** Only what goes over Redis looks at it: the database of these tests is a file. */
export const redisConfig = (directory: string, url: string, more: NodeJS.ProcessEnv = {}) =>
  configOf(directory, {
    REDIS_URL: url,
    DATABASE_URL: 'postgres://not-asked/',
    WORKSPACE_STORAGE: 'shared',
    CLAUDE_CODE_WORKSPACE: join(directory, 'workspaces'),
    STREAM_LOOK_MS: LOOK_MS,
    REDIS_TIMEOUT_MS: '500',
    ...more,
  });

export interface Replica {
  database: Database;
  log: StoredEventLog;
  connections: RedisConnections;
  channels: RedisChannels;
  stop(): Promise<void>;
}

/** @param between what the events of this one pass on their way to its readers and to the other replicas */
export async function startReplica(
  directory: string,
  url: string,
  {
    settings = {},
    between = (it) => it,
  }: Partial<{
    settings: NodeJS.ProcessEnv;
    between: (broadcast: EventBroadcast) => EventBroadcast;
  }> = {},
): Promise<Replica> {
  const config = redisConfig(directory, url, settings);
  const database = await openDatabase(configOf(directory));
  const connections = new RedisConnections(config, Redis);
  const channels = new RedisChannels(connections, config);
  const broadcast = new RedisBroadcast(channels, database, config);
  await Promise.all([connections.onModuleInit(), channels.onModuleInit()]);
  broadcast.onModuleInit();
  return {
    database,
    log: new StoredEventLog(database, between(broadcast), config),
    connections,
    channels,
    async stop() {
      await broadcast.onApplicationShutdown();
      channels.onApplicationShutdown();
      connections.onApplicationShutdown();
      await database.destroy();
    },
  };
}

/** A running execution, first attempt. */
export async function insertExecution(database: Database, id: string): Promise<string> {
  await database
    .insertInto('executions')
    .values({
      id,
      userId: 'ann',
      projectId: 'p',
      keyId: 'k',
      requestId: 'r',
      action: 'generate',
      access: 'read-write',
      priority: 'interactive',
      engine: 'claude-code',
      model: 'm',
      request: '{}',
      idempotencyKey: null,
      requestHash: '',
      status: 'running',
      attempt: 1,
      lastSeq: 0,
      createdAt: 0,
      startedAt: 0,
      endedAt: null,
      errorCode: null,
      response: null,
    })
    .execute();
  return id;
}

export const text = (value: string) => ({ type: 'agent.text' as const, data: { text: value } });
export const finished = {
  type: 'execution.finished' as const,
  data: {
    status: 'succeeded' as const,
    response: {
      success: true,
      action: 'generate',
      metadata: { executionId: 'e', duration: 1, tokensUsed: 0, model: 'rehearsal' },
    },
  },
};

/** What a reader got: its numbers, in the order in which they came. */
export const numbersOf = (items: readonly StreamItem[]) =>
  items.map((item) => (item.type === 'stream.gap' ? `gap ${item.data.after}-${item.data.before}` : item.seq));
export const upTo = (count: number, from = 1) => Array.from({ length: count - from + 1 }, (_, i) => from + i);

/** What happens to the messages on their way, in the manner of one that throws dice with these numbers. */
export interface Trouble {
  /** Of 0 to 1. */
  lost: number;
  twice: number;
  late: number;
}

/** Passes events on mixed up, twice or not at all: what a broadcast may do. */
export class TroubledBroadcast extends EventBroadcast {
  readonly executions: EventFeed<ExecutionEvent>;
  readonly batches;

  constructor(through: EventBroadcast, trouble: Trouble, random: () => number) {
    super();
    this.executions = new TroubledFeed(through.executions, trouble, random);
    this.batches = through.batches;
  }
}

class TroubledFeed extends EventFeed<ExecutionEvent> {
  private held: (() => void)[] = [];

  constructor(
    private readonly through: EventFeed<ExecutionEvent>,
    private readonly trouble: Trouble,
    private readonly random: () => number,
  ) {
    super();
  }

  override publish(id: string, prepare: () => ExecutionEvent): void {
    const send = () => this.through.publish(id, prepare);
    if (this.random() < this.trouble.lost) return;
    if (this.random() < this.trouble.twice) this.held.push(send);
    if (this.random() < this.trouble.late) this.held.push(send);
    else send();
    // What was held back goes out of order, some events later.
    while (this.held.length > 3) this.held.splice(Math.floor(this.random() * this.held.length), 1)[0]?.();
  }

  override subscribe(...args: Parameters<EventFeed<ExecutionEvent>['subscribe']>) {
    return this.through.subscribe(...args);
  }
}

/** Numbers of 0 to 1 that are the same in each run. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
