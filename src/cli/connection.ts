/** The server that does the work: one that was named, or one of this process alone. */
import { CaissonClient } from '../client/client.js';
import { unreachable } from './exit-codes.js';
import type { Host } from './host.js';
import type { Terminal } from './output/terminal.js';
import type { Settings } from './settings.js';

export interface Connection extends AsyncDisposable {
  client: CaissonClient;
  /** For people. */
  where: string;
  embedded: boolean;
  rehearsal?: boolean;
}

export async function connect(settings: Settings, host: Host, terminal: Terminal): Promise<Connection> {
  if (settings.server !== undefined) return await reached(remote(settings.server));
  const embedded = await host.embed(settings.model === undefined ? {} : { model: settings.model });
  if (embedded.rehearsal)
    terminal.say(
      terminal.err(
        'yellow',
        'No ANTHROPIC_API_KEY: the model is rehearsed offline. Everything else is real.',
      ),
    );
  return {
    client: new CaissonClient({ url: embedded.url, key: embedded.key }),
    where: 'this process',
    embedded: true,
    rehearsal: embedded.rehearsal,
    [Symbol.asyncDispose]: () => embedded.close(),
  };
}

export const remote = ({ url, key }: { url: string; key: string }): Connection => ({
  client: new CaissonClient({ url, key }),
  where: url,
  embedded: false,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

/** Asked something small first: a refusal while files are on their way would be a broken connection. */
async function reached(connection: Connection): Promise<Connection> {
  await firstCall(connection, connection.client.call('GET', '/api/commands'));
  return connection;
}

/** The first call to a server: one that is not there is said at once, and not waited for. */
export async function firstCall<T>({ where }: Connection, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TypeError) throw unreachable(where, error);
    throw error;
  }
}
