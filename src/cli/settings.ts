/** What holds for one run of the command: the command line first, then the environment, then the configuration file. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { CommandError } from './exit-codes.js';

export const FORMATS = ['text', 'markdown', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** As commander gives them. */
export interface CommonOptions {
  server?: string;
  project?: string;
  directory?: string;
  only?: string[];
  config?: string;
  model?: string;
  engine?: string;
  maxTokens?: number;
  timeout?: number;
  format?: Format;
  yes?: boolean;
  /** False with `--no-interactive`. */
  interactive?: boolean;
  /** False with `--no-cache`. */
  cache?: boolean;
  continue?: string;
}

export interface Settings {
  server?: { url: string; key: string };
  /** A project of the server to work in, instead of the files here. */
  project?: string;
  directory: string;
  only: string[];
  model?: string;
  engine?: string;
  maxTokens?: number;
  /** Milliseconds. */
  timeout?: number;
  format: Format;
  /** True when format was asked for, so that the model is told of it. */
  formatAsked: boolean;
  /** Changes are put in place without a question. */
  yes: boolean;
  cache: boolean;
  /** An execution in whose conversation it goes on. */
  continue?: string;
  language?: string;
  framework?: string;
}

const CONFIG_FILE = z.strictObject({
  server: z.url({ protocol: /^https?$/ }).optional(),
  apiKeyFile: z.string().min(1).optional(),
  project: z.string().min(1).optional(),
  directory: z.string().min(1).optional(),
  only: z.array(z.string().min(1)).optional(),
  model: z.string().min(1).optional(),
  engine: z.string().min(1).optional(),
  maxTokens: z.int().min(1).optional(),
  timeout: z.number().min(1).optional(),
  format: z.enum(FORMATS).optional(),
  interactive: z.boolean().optional(),
  cache: z.boolean().optional(),
  language: z.string().min(1).optional(),
  framework: z.string().min(1).optional(),
});
type ConfigFile = z.infer<typeof CONFIG_FILE>;

/** What may stand in the file, for the documentation. */
export const CONFIG_FILE_KEYS = Object.keys(CONFIG_FILE.shape);

/** @throws CommandError */
export function settingsOf(options: CommonOptions, env: NodeJS.ProcessEnv): Settings {
  const file = options.config === undefined ? {} : readConfigFile(options.config);
  const url = options.server ?? given(env.CAISSON_URL) ?? file.server;
  const project = options.project ?? file.project;
  if (project !== undefined && url === undefined)
    throw new CommandError('--project names a project of a server: say which with --server or CAISSON_URL');
  if (options.continue !== undefined && url === undefined)
    throw new CommandError(
      '--continue names an execution of a server: say which with --server or CAISSON_URL',
    );
  const format = options.format ?? file.format;
  const timeout = options.timeout ?? file.timeout;
  return {
    ...(url === undefined ? {} : { server: { url: urlOf(url), key: keyOf(env, file) } }),
    ...defined({
      project,
      model: options.model ?? file.model,
      engine: options.engine ?? file.engine,
      maxTokens: options.maxTokens ?? file.maxTokens,
    }),
    ...defined({ continue: options.continue, language: file.language, framework: file.framework }),
    ...(timeout === undefined ? {} : { timeout: Math.round(timeout * 1000) }),
    directory: options.directory ?? file.directory ?? '.',
    only: options.only ?? file.only ?? [],
    format: format ?? 'text',
    formatAsked: format !== undefined,
    yes: options.yes === true || options.interactive === false || file.interactive === false,
    cache: options.cache !== false && file.cache !== false,
  };
}

/** @throws CommandError when no server is named */
export function serverOf(settings: Settings): { url: string; key: string } {
  if (settings.server === undefined)
    throw new CommandError(
      'this needs a server: name it with --server or CAISSON_URL, its key with CAISSON_API_KEY',
    );
  return settings.server;
}

function readConfigFile(path: string): ConfigFile {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CommandError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = CONFIG_FILE.safeParse(content);
  if (!parsed.success)
    throw new CommandError(
      `${path}:\n${parsed.error.issues.map(({ path: where, message }) => `  ${where.length > 0 ? `${where.join('.')}: ` : ''}${message}`).join('\n')}`,
    );
  const { apiKeyFile, ...rest } = parsed.data;
  return apiKeyFile === undefined ? rest : { ...rest, apiKeyFile: resolve(dirname(path), apiKeyFile) };
}

function urlOf(url: string): string {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new CommandError(`${url} is no address of a server: it begins with http:// or https://`);
  return url;
}

/** Never on the command line, where every user of the machine could read it. */
function keyOf(env: NodeJS.ProcessEnv, { apiKeyFile }: ConfigFile): string {
  const key = given(env.CAISSON_API_KEY);
  const file = given(env.CAISSON_API_KEY_FILE) ?? apiKeyFile;
  if (key !== undefined) return key;
  if (file === undefined)
    throw new CommandError(
      'the server wants a key: set CAISSON_API_KEY, or CAISSON_API_KEY_FILE to a file that holds it',
    );
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new CommandError(
      `the key cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** An empty variable counts as not set. */
const given = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

/** Without what is undefined. */
export function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
