/** How many connections the server keeps, and how long it waits for what comes over them. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { normalizeIp } from '@nestjs/throttler';
import type { SettingValues } from '../config/settings.js';
import { answerClientError } from './client-error.js';
import { halfOfTheDescriptors } from './descriptor-limit.js';
import { Tally } from './tally.js';

/** Milliseconds between two looks for requests that are late; Node's own 30 s would double the time-outs. */
const LATE_CHECK_MS = 1000;

/** The one thing that a connection may become, `websocket`: whoever offers another protocol (h2c) is answered as if he had not. */
const isWebSocket = ({ url, headers }: { url?: string; headers: { upgrade?: string } }): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket' && /^\/socket\.io\/(\?|$)/.test(url ?? '');

/** Connections at once: what is set, or what the process has descriptors for. */
export const connectionsMax = ({ CONNECTIONS_MAX }: Pick<SettingValues, 'CONNECTIONS_MAX'>): number =>
  CONNECTIONS_MAX ?? halfOfTheDescriptors();

/** Call it before the server listens. */
export function boundConnections(server: Server, settings: SettingValues): void {
  // The longest of all, that of uploads; `wholeWithin` in `http.ts` holds the others to theirs.
  server.requestTimeout = Math.max(settings.REQUEST_TIMEOUT_MS, settings.TRANSFER_TIMEOUT * 1000);
  server.headersTimeout = Math.min(settings.HEADERS_TIMEOUT_MS, settings.REQUEST_TIMEOUT_MS);
  server.maxConnections = connectionsMax(settings);
  // Node would drop what is beyond its count and answer the rest; `plain-http.ts` counts and refuses.
  server.maxHeadersCount = 0;
  // Options of its constructor, which the framework calls; it reads them when it begins to listen and for each request.
  Object.assign(server, {
    connectionsCheckingInterval: LATE_CHECK_MS,
    requireHostHeader: false,
    shouldUpgradeCallback: isWebSocket,
  });
  server.on('clientError', answerClientError);
  // An expectation that is not known may be ignored (RFC 9110, 10.1.1); Node's answer would be no envelope.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  // Behind a proxy all connections are the proxy's, and it is the proxy that must count them.
  if (settings.TRUST_PROXY === 0) boundByAddress(server, new Tally(settings.CONNECTIONS_PER_ADDRESS));
}

function boundByAddress(server: Server, tally: Tally): void {
  server.on('connection', (socket: Socket) => {
    const address = normalizeIp(socket.remoteAddress ?? '');
    if (tally.enter(address)) socket.once('close', () => tally.leave(address));
    else socket.destroy();
  });
}
