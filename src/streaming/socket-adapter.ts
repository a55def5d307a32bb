/** socket.io with this server's limits. */
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Server, ServerOptions } from 'socket.io';
import type { Config } from '../config/config.js';

export class SocketAdapter extends IoAdapter {
  constructor(
    app: INestApplicationContext,
    private readonly config: Config,
  ) {
    super(app);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const { BODY_MAX_BYTES, CORS_ORIGINS } = this.config.values;
    return super.createIOServer(port, {
      ...options,
      serveClient: false,
      // A message is what a request body is: the same limit; a larger frame closes the connection.
      maxHttpBufferSize: BODY_MAX_BYTES,
      cors: CORS_ORIGINS.length > 0 ? { origin: CORS_ORIGINS } : undefined,
      // Browsers send an Origin with every handshake; without this a page of any origin could connect.
      allowRequest: (request, answer) => answer(null, isAllowed(request.headers, CORS_ORIGINS)),
    } as ServerOptions);
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
