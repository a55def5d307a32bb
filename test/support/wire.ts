/** A wire between a process and a service that can be cut and mended: meanwhile nothing is refused or closed, it goes nowhere. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Wire {
  /** The service's URL, by this wire. */
  url: string;
  /** From here on nothing passes, either way; new connections are taken and hear nothing, as in a network that is parted. */
  cut(): void;
  /** Whatever was sent meanwhile arrives, late. */
  mend(): void;
  stop(): Promise<void>;
}

class Connection {
  private far?: Socket;
  /** One side has closed; the other one has not heard of it yet while the wire is cut. */
  private over = false;
  private isCut = false;

  constructor(
    private readonly near: Socket,
    private readonly open: () => Socket,
    private readonly onEnd: () => void,
  ) {
    this.watch(near);
  }

  pass(): void {
    this.isCut = false;
    if (this.over) return this.end();
    this.far ??= this.watch(this.open());
    this.near.pipe(this.far);
    this.far.pipe(this.near);
  }

  cut(): void {
    this.isCut = true;
    for (const socket of [this.near, this.far]) socket?.unpipe().pause();
  }

  end(): void {
    this.near.destroy();
    this.far?.destroy();
    this.onEnd();
  }

  private watch(socket: Socket): Socket {
    // What went wrong is told by its end.
    socket.on('error', () => undefined);
    return socket.once('close', () => {
      this.over = true;
      if (!this.isCut) this.end();
    });
  }
}

/** @param service URL of a service on this machine */
export async function startWire(service: string): Promise<Wire> {
  const { hostname: host, port } = new URL(service);
  const connections = new Set<Connection>();
  let isCut = false;
  const server = createServer({ pauseOnConnect: true }, (near) => {
    const connection: Connection = new Connection(
      near,
      () => connect({ host, port: Number(port) }),
      () => connections.delete(connection),
    );
    connections.add(connection);
    if (isCut) connection.cut();
    else connection.pass();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(service);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cut() {
      isCut = true;
      for (const connection of connections) connection.cut();
    },
    mend() {
      isCut = false;
      for (const connection of connections) connection.pass();
    },
    async stop() {
      server.close();
      for (const connection of connections) connection.end();
      await once(server, 'close');
    },
  };
}
