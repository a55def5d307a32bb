/** Starts the server, tells a newcomer what to do with it, and stops it with grace. */
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ApiKeys } from './access/api-keys.js';
import { buildApp } from './app.js';
import { Config, InvalidConfigError } from './config/config.js';
import { isShortage } from './errors/shortage.js';
import { openDatabase } from './persistence/persistence.module.js';
import { backUp } from './persistence/sqlite/back-up.js';
import { closeInheritedDescriptors } from './sandbox/inherited-descriptors.js';
import { welcome } from './welcome.js';

/** Resolves when it listens; the process then lives until a signal ends it. */
export const serve = (env: NodeJS.ProcessEnv): Promise<void> =>
  explained(env, async (config) => {
    const app = await buildApp(config);
    stopOnSignal(app);
    const secret = config.serves ? await app.get(ApiKeys).bootstrap() : undefined;
    await app.listen(config.values.PORT, config.values.HOST);
    process.stdout.write(welcome(await app.getUrl(), config, secret));
  });

/** For a step of its own before new replicas start; each of them would do it as well, one after the other. */
export const migrate = (env: NodeJS.ProcessEnv): Promise<void> =>
  explained(env, async (config) => {
    const database = await openDatabase(config);
    await database.destroy();
    process.stdout.write('The database is at the schema of this version.\n');
  });

/** Beside a running server, as its user. */
export const backUpTo = (file: string, env: NodeJS.ProcessEnv): Promise<void> =>
  explained(env, (config) => {
    backUp(config, file);
    process.stdout.write(`The database is in ${file}.\n`);
    return Promise.resolve();
  });

/** What a person can mend is explained; anything else is a defect and shows where. Either way the process ends. */
async function explained(env: NodeJS.ProcessEnv, work: (config: Config) => Promise<void>): Promise<void> {
  /** Set as soon as it is known: what went wrong is explained by it. */
  let config: Config | undefined;
  try {
    // What is written for a reader that has gone, or to a full disk, is lost; the server is not.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
    closeInheritedDescriptors();
    config = Config.from(env);
    await work(config);
  } catch (error) {
    process.stderr.write(`${explanation(error, config)}\n`);
    process.exit(1);
  }
}

function explanation(error: unknown, config: Config | undefined): string {
  if (error instanceof InvalidConfigError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return 'Something else listens on this port already; set PORT to another one.';
  if (isShortage(error) && config?.values.DATABASE_URL !== undefined) return `DATABASE_URL: ${error.message}`;
  if (isShortage(error) && code !== 'EROFS')
    return `${error.message}; look for room and a free database in CAISSON_DATA.`;
  if (code === 'EACCES' || code === 'EROFS')
    return `${error.message}; set CAISSON_DATA to a directory that can be written.`;
  return error.stack ?? error.message;
}

/** Ctrl-C reaches the server from the terminal and again from npm: within so many milliseconds it is the same one. */
const SAME_SIGNAL_MS = 1000;

/** The first signal stops with grace and exits 0; a later one does not wait. */
function stopOnSignal(app: NestExpressApplication): void {
  let stoppingSince: number | undefined;
  const stop = async () => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > SAME_SIGNAL_MS) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    await app.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
}
