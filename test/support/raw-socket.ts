/** Bytes over a plain connection, as no HTTP library would send them; what comes back, as it came. */
import { connect, type Socket } from 'node:net';
import { until } from './processes.js';

export interface RawConnection {
  socket: Socket;
  /** All that came so far. */
  received: () => string;
  closed: Promise<void>;
}

export function rawConnection(url: string): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => (received += text));
  // Refused is closed, with or without a reset: what came before it is what counts.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return { socket, received: () => received, closed };
}

/** Sends bytes, then another connection's worth of nothing, and gives what came back until the server closed. */
export async function sendRaw(url: string, text: string): Promise<string> {
  const { socket, received, closed } = rawConnection(url);
  socket.end(Buffer.from(text, 'latin1'));
  await closed;
  return received();
}

/** The answers in what came back: status, and the body when it is JSON. */
export function answersIn(received: string): { status: number; body: unknown }[] {
  return received
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((answer) => answer !== '')
    .map((answer) => {
      const body = answer.split('\r\n\r\n').slice(1).join('\r\n\r\n');
      return {
        status: Number(answer.slice(9, 12)),
        body: body.startsWith('{') ? (JSON.parse(body) as unknown) : body,
      };
    });
}

/** So many connections that are open on both sides, each held by the server or closed by it. */
export async function openMany(url: string, count: number): Promise<RawConnection[]> {
  const connections = Array.from({ length: count }, () => rawConnection(url));
  await until(() => connections.every(({ socket }) => !socket.connecting));
  return connections;
}
