/** The whole product in this process, on a free port and a temporary directory: nothing in it is a stand-in but the model. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ApiKeys } from '../../src/access/api-keys.js';
import { type Scope, SCOPES } from '../../src/access/principal.js';
import { buildApp } from '../../src/app.js';
import { Config } from '../../src/config/config.js';
import { Sandboxes } from '../../src/sandbox/sandbox.js';
import { Client } from './client.js';
import { until } from './processes.js';
import { temporaryDirectory } from './temporary-directory.js';

export interface Caisson {
  app: NestExpressApplication;
  url: string;
  /** Where the database and everything else is. */
  directory: string;
  /** Acts with all scopes. */
  admin: Client;
  /** A client with a key of its own. */
  clientOf(userId: string, scopes?: Scope[]): Promise<Client>;
  /** Stops it as SIGTERM would, and keeps its directory for a next start. */
  stop(): Promise<void>;
  /** Stops it and removes everything. */
  clear(): Promise<void>;
}

/**
 * Enough that no test meets it by chance; the tests of the limit set their own. No cache: what a test asks for twice runs
 * twice.
 */
const GENEROUS = {
  RATE_LIMIT_REQUESTS: '100000',
  LOG_LEVEL: 'fatal',
  SHUTDOWN_GRACE: '0',
  POOL_SIZE: '0',
  CACHE_MAX_BYTES: '0',
};

export async function startCaisson(settings: NodeJS.ProcessEnv = {}, directory?: string): Promise<Caisson> {
  const home = directory ?? (await temporaryDirectory());
  const CLAUDE_CODE_BINARY = process.env.CLAUDE_CODE_BINARY;
  const config = Config.from({
    ...GENEROUS,
    CLAUDE_CODE_BINARY,
    CAISSON_DATA: join(home, 'data'),
    ...settings,
  });
  const app = await buildApp(config);
  await app.listen(0, '127.0.0.1');
  // The boot probe has sandboxes of its own; they are gone when it has reported. A test of a red probe looks at /health/ready.
  await until(() => app.get(Sandboxes).report !== undefined);
  const url = await app.getUrl();
  const keys = app.get(ApiKeys);
  const clientOf = async (userId: string, scopes: Scope[] = ['run', 'read']): Promise<Client> => {
    const { secret } = await keys.create({ userId, name: 'test', scopes });
    return new Client(url, secret);
  };
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= app.close());
  const clear = async () => {
    await stop();
    await rm(home, { recursive: true, force: true });
  };
  return { app, url, directory: home, admin: await clientOf('admin', [...SCOPES]), clientOf, stop, clear };
}
