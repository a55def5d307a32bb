/** Starts the server, tells a newcomer what to do with it, and stops it with grace. */
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ApiKeys } from './access/api-keys.js';
import { buildApp } from './app.js';
import { Config, InvalidConfigError } from './config/config.js';
import { isShortage } from './errors/shortage.js';
import { helpText } from './help.js';
import { closeInheritedDescriptors } from './sandbox/inherited-descriptors.js';
import { welcome } from './welcome.js';

/** What is written for a reader that has gone, or to a full disk, is lost; the server is not. */
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

async function main(): Promise<void> {
  if (process.argv.includes('--help') || process.argv.includes('-h'))
    return void process.stdout.write(helpText());
  closeInheritedDescriptors();
  const config = Config.from(process.env);
  const app = await buildApp(config);
  stopOnSignal(app);
  const secret = await app.get(ApiKeys).bootstrap();
  await app.listen(config.values.PORT, config.values.HOST);
  process.stdout.write(welcome(await app.getUrl(), config, secret));
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

/** What a person can mend is explained; anything else is a defect and shows where. */
function explain(error: unknown): string {
  if (error instanceof InvalidConfigError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return 'Something else listens on this port already; set PORT to another one.';
  if (isShortage(error) && code !== 'EROFS')
    return `${error.message}; look for room and a free database in CAISSON_DATA.`;
  if (code === 'EACCES' || code === 'EROFS')
    return `${error.message}; set CAISSON_DATA to a directory that can be written.`;
  return error.stack ?? error.message;
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});
