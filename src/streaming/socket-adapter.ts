/** socket.io with this server's limits. */
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Server, ServerOptions, Socket } from 'socket.io';
import type { IncomingMessage } from 'node:http';
import { normalizeIp } from '@nestjs/throttler';
import { connectionsMax } from '../access/connections.js';
import { refuseAmbiguousHttp } from '../access/plain-http.js';
import { remoteAddress } from '../access/remote-address.js';
import { Tally } from '../access/tally.js';
import type { Config } from '../config/config.js';
import { boundedParser } from './bounded-parser.js';

/** A session of engine.io, below any namespace. */
type Session = Socket['conn'];

export class SocketAdapter extends IoAdapter {
  /** Sessions of each address, whatever they are carried by. */
  private readonly sessions: Tally;

  constructor(
    app: INestApplicationContext,
    private readonly config: Config,
  ) {
    super(app);
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

  private addressOf({ socket, headers }: IncomingMessage): string {
    const { TRUST_PROXY } = this.config.values;
    return normalizeIp(remoteAddress(socket.remoteAddress ?? '', headers['x-forwarded-for'], TRUST_PROXY));
  }
}

/** Whoever is no browser sends no Origin; a browser must come from this server's own page or from a listed origin. */
function isAllowed(
  { origin, host }: { origin?: string; host?: string },
  origins: readonly string[],
): boolean {
  if (origin === undefined || origins.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
