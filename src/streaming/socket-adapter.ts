/** socket.io with this server's limits. */
import { setTimeout as delay } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import type { Redis, RedisOptions } from 'ioredis';
import type { Server, ServerOptions, Socket } from 'socket.io';
import type { IncomingMessage } from 'node:http';
import { normalizeIp } from '@nestjs/throttler';
import { connectionsMax } from '../access/connections.js';
import { refuseAmbiguousHttp } from '../access/plain-http.js';
import { remoteAddress } from '../access/remote-address.js';
import { Tally } from '../access/tally.js';
import type { Config } from '../config/config.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { boundedParser } from './bounded-parser.js';

/** Only revocations go over it: what a replica that reconnects within some minutes may have missed. */
const STREAM_LENGTH = 1000;

/** Milliseconds that a question for what is new stands; so late the adapter notices that it was closed. */
const BLOCK_MS = 1000;

const KEEPS_COMMANDS = {
  commandTimeout: undefined,
  // Above BLOCK_MS, in which a good connection is silent.
  socketTimeout: 5 * BLOCK_MS,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
} as const;

/** A session of engine.io, below any namespace. */
type Session = Socket['conn'];

export class SocketAdapter extends IoAdapter {
  private readonly connections: RedisConnections;
  /** Sessions of each address, whatever they are carried by. */
  private readonly sessions: Tally;

  constructor(
    app: INestApplicationContext,
    private readonly config: Config,
  ) {
    super(app);
    this.connections = app.get(RedisConnections);
    this.sessions = new Tally(config.values.CONNECTIONS_PER_ADDRESS);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const { BODY_MAX_BYTES, CORS_ORIGINS, HEADERS_MAX, HEADERS_TIMEOUT_MS, SOCKET_PING_MS } =
      this.config.values;
    const sessionsMax = connectionsMax(this.config.values);
    const server: Server = super.createIOServer(port, {
      ...options,
      serveClient: false,
      parser: boundedParser,
      pingInterval: SOCKET_PING_MS,
      pingTimeout: SOCKET_PING_MS,
      // Until it has shown a key, a session is nobody's.
      connectTimeout: HEADERS_TIMEOUT_MS,
      // A message is what a request body is: the same limit; a larger frame closes the connection.
      maxHttpBufferSize: BODY_MAX_BYTES,
      cors: CORS_ORIGINS.length > 0 ? { origin: CORS_ORIGINS } : undefined,
      // Browsers send an Origin with every handshake; without this a page of any origin could connect.
      allowRequest: (request, answer) =>
        answer(
          null,
          isAllowed(request.headers, CORS_ORIGINS) &&
            server.engine.clientsCount < sessionsMax &&
            this.sessions.hasRoom(this.addressOf(request)),
        ),
    } as ServerOptions);
    if (this.config.shared) server.adapter(this.sharedAdapter());
    // Polling takes its requests past Express, and a session of polls holds no connection that would be counted.
    server.engine.use(refuseAmbiguousHttp(HEADERS_MAX));
    server.engine.on('connection', (session: Session) => {
      const address = this.addressOf(session.request);
      // Handshakes that came together may all have found room.
      if (!this.sessions.enter(address)) session.close(true);
      else session.once('close', () => this.sessions.leave(address));
    });
    return server;
  }

  /**
   * What is said to a room reaches its sockets on every replica. Its connections keep their commands for a Redis that is
   * away: without that the adapter would ask again at once, for ever.
   */
  private sharedAdapter(): ReturnType<typeof createAdapter> {
    return createAdapter(unhurried(this.connections.open('sockets', KEEPS_COMMANDS)), {
      streamName: 'caisson:sockets',
      channelPrefix: 'caisson:sockets',
      sessionKeyPrefix: 'caisson:session:',
      maxLen: STREAM_LENGTH,
      blockTimeInMs: BLOCK_MS,
      onlyPlaintext: true,
    });
  }

  private addressOf({ socket, headers }: IncomingMessage): string {
    const { TRUST_PROXY } = this.config.values;
    return normalizeIp(remoteAddress(socket.remoteAddress ?? '', headers['x-forwarded-for'], TRUST_PROXY));
  }
}

/**
 * The adapter asks for what is new again as soon as it was answered, or refused. A connection that has been closed refuses
 * at once, before anything else of the process has its turn: it would never stop. So a refusal takes its time.
 */
function unhurried(connection: Redis): Redis {
  const xread = connection.xread.bind(connection) as (...args: unknown[]) => Promise<unknown>;
  const duplicate = connection.duplicate.bind(connection);
  return Object.assign(connection, {
    xread: (...args: unknown[]) =>
      xread(...args).catch(async (error: unknown) => {
        await delay(BLOCK_MS);
        throw error;
      }),
    duplicate: (options?: Partial<RedisOptions>) => unhurried(duplicate(options)),
  });
}

/** Whoever is no browser sends no Origin; a browser must come from this server's own page or from a listed origin. */
function isAllowed(
  { origin, host }: { origin?: string; host?: string },
  origins: readonly string[],
): boolean {
  if (origin === undefined || origins.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
