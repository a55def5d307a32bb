/** The whole server inside another program's process: on a loopback port, with a state that is gone when it is closed. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiKeys } from './access/api-keys.js';
import { buildApp } from './app.js';
import { CommandError } from './cli/exit-codes.js';
import type { Embedded } from './cli/host.js';
import { Config, InvalidConfigError } from './config/config.js';
import { SETTINGS } from './config/settings.js';
import { closeInheritedDescriptors } from './sandbox/inherited-descriptors.js';

/** Where a server of its own keeps its state, and for whom: nothing of it is this one's business. */
const OF_A_SERVER = [
  'NODE_ENV',
  'CAISSON_DATA',
  'CAISSON_ROLE',
  'CLAUDE_CODE_WORKSPACE',
  'WORKSPACE_STORAGE',
  'DATABASE_URL',
  'REDIS_URL',
  'PORT',
  'HOST',
  'BOOTSTRAP_API_KEY',
  'TRUST_PROXY',
  'CORS_ORIGINS',
].flatMap((name) => [name, `${name}_FILE`]);

/** One caller, who is gone in a minute: no limits on calls, nothing kept, nothing made ready for the next one. */
const FOR_ONE_COMMAND = {
  PORT: '0',
  HOST: '127.0.0.1',
  RATE_LIMIT_REQUESTS: '1000000',
  POOL_SIZE: '0',
  CACHE_MAX_BYTES: '0',
  SHUTDOWN_GRACE: '0',
  // Standard output is the command's.
  LOG_LEVEL: 'fatal',
};

/** So that sandboxes with a user id of their own can pass through: they see nothing but their workspace in it. */
const PASSABLE = 0o711;

/** @param model to be accepted whatever CLAUDE_CODE_MODELS says. @throws CommandError when a setting is wrong */
export async function startEmbedded(env: NodeJS.ProcessEnv, model?: string): Promise<Embedded> {
  closeInheritedDescriptors();
  const directory = await mkdtemp(join(tmpdir(), 'claude-code-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await chmod(directory, PASSABLE);
    const key = randomBytes(24).toString('base64url');
    const config = Config.from({
      ...Object.fromEntries(Object.entries(env).filter(([name]) => !OF_A_SERVER.includes(name))),
      ...FOR_ONE_COMMAND,
      ...modelsWith(env, model),
      CAISSON_DATA: join(directory, 'data'),
      BOOTSTRAP_API_KEY: key,
    });
    const app = await buildApp(config);
    await app.get(ApiKeys).bootstrap();
    await app.listen(config.values.PORT, config.values.HOST);
    return {
      url: await app.getUrl(),
      key,
      rehearsal: config.rehearsal,
      close: async () => {
        await app.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error instanceof InvalidConfigError ? new CommandError(error.message) : error;
  }
}

/** Which models there are is a rule for the users of a server; whoever runs it for himself names any. */
function modelsWith(env: NodeJS.ProcessEnv, model: string | undefined): NodeJS.ProcessEnv {
  if (model === undefined) return {};
  const { CLAUDE_CODE_MODELS: listed = '' } = env;
  const models = listed === '' ? SETTINGS.CLAUDE_CODE_MODELS.default : listed;
  return { CLAUDE_CODE_MODELS: `${models},${model}` };
}
