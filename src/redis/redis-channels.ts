/**
 * Messages between the processes over Redis's pub/sub: at most once, and to those who listen at that moment. Whoever
 * listens is told when it may have missed some, and has another place to look.
 */
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { Config } from '../config/config.js';
import { RedisConnections } from './redis-connections.js';

export interface Listener {
  heard(message: string): void;
  /** From now on messages come; before, they may have been missed. After each time the connection was found again, too. */
  listening(): void;
}

/** Channels of one SUBSCRIBE when they are all asked for anew. */
const AT_ONCE = 500;

@Injectable()
export class RedisChannels implements OnModuleInit, OnApplicationShutdown {
  private readonly listeners = new Map<string, Set<Listener>>();
  private publishing?: Redis;
  private subscribing?: Redis;
  private heartbeat?: NodeJS.Timeout;
  private bytesUnderWay = 0;

  constructor(
    private readonly connections: RedisConnections,
    private readonly config: Config,
  ) {}

  async onModuleInit(): Promise<void> {
    if (!this.config.shared) return;
    await Promise.all([this.publisher, this.subscriber].map((opened) => this.connections.ready(opened)));
  }

  /**
   * Sends and forgets: what Redis does not take now, because it is away or because REDIS_BACKLOG_BYTES are under way to
   * it, is dropped.
   */
  publish(channel: string, message: string): void {
    const { publisher } = this;
    const bytes = Buffer.byteLength(message);
    if (publisher.status !== 'ready') return;
    if (this.bytesUnderWay + bytes > this.config.values.REDIS_BACKLOG_BYTES) return;
    this.bytesUnderWay += bytes;
    publisher
      .publish(channel, message)
      .catch((error: unknown) => this.connections.complain(error))
      .finally(() => {
        this.bytesUnderWay -= bytes;
      });
  }

  /** @returns what ends it */
  listen(channel: string, listener: Listener): () => void {
    const { subscriber } = this;
    const listeners = this.listeners.get(channel) ?? new Set();
    this.listeners.set(channel, listeners.add(listener));
    // Asked for again where others listen already: only an answer tells that messages come.
    if (subscriber.status === 'ready') this.subscribe(subscriber, [channel]);
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.listeners.delete(channel);
      if (subscriber.status === 'ready')
        subscriber.unsubscribe(channel).catch((error: unknown) => this.connections.complain(error));
    };
  }

  onApplicationShutdown(): void {
    clearInterval(this.heartbeat);
  }

  /**
   * Neither of the two connections has a time-out for each command: it would count a message as gone that still waits to
   * be sent. The time-out of the connection ends them all.
   */
  private get publisher(): Redis {
    return (this.publishing ??= this.connections.open('publisher', { commandTimeout: undefined }));
  }

  private get subscriber(): Redis {
    if (this.subscribing !== undefined) return this.subscribing;
    // Subscribed anew here and not by the library: to what is listened to then, and it must be known when it is done.
    const subscriber = this.connections.open('subscriber', {
      commandTimeout: undefined,
      autoResubscribe: false,
    });
    this.subscribing = subscriber;
    subscriber.on('message', (channel: string, message: string) => {
      for (const listener of this.listeners.get(channel) ?? []) listener.heard(message);
    });
    subscriber.on('ready', () => {
      const channels = [...this.listeners.keys()];
      for (let start = 0; start < channels.length; start += AT_ONCE)
        this.subscribe(subscriber, channels.slice(start, start + AT_ONCE));
    });
    // Nothing is ever sent to a quiet channel: without a question nobody would notice that its Redis is gone.
    this.heartbeat = setInterval(() => {
      if (subscriber.status === 'ready')
        subscriber.ping().catch((error: unknown) => this.connections.complain(error));
    }, this.config.values.REDIS_TIMEOUT_MS);
    this.heartbeat.unref();
    return subscriber;
  }

  private subscribe(subscriber: Redis, channels: string[]): void {
    subscriber.subscribe(...channels).then(
      () => {
        for (const channel of channels)
          for (const listener of this.listeners.get(channel) ?? []) listener.listening();
      },
      (error: unknown) => this.connections.complain(error),
    );
  }
}
