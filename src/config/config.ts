/** The one typed, validated configuration; nothing else reads process.env. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { engineName, type Provider } from './acp-agents.js';
import { SETTINGS, type SettingName, type SettingValues } from './settings.js';

/** Thrown by `Config.from` with one message that lists every wrong variable. */
export class InvalidConfigError extends Error {
  override readonly name = 'InvalidConfigError';
}

export class Config {
  /** Read-only values under the names of the environment variables. */
  readonly values: Readonly<SettingValues>;

  private constructor(values: SettingValues) {
    this.values = values;
  }

  /** @throws InvalidConfigError naming every wrong variable, never the value of a secret */
  static from(env: NodeJS.ProcessEnv): Config {
    const problems: string[] = [];
    const entries = Object.entries(SETTINGS).map(([name, { rule, default: fallback, ...rest }]) => {
      const given = read(env, name, 'secret' in rest, problems);
      const parsed = rule.safeParse(given ?? fallback);
      if (!parsed.success)
        problems.push(`${name}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
      return [name, parsed.data];
    });
    // The entries were parsed by the rules from which SettingValues is derived.
    const values = Object.fromEntries(entries) as SettingValues;
    if (problems.length === 0) problems.push(...contradictions(values));
    if (problems.length > 0)
      throw new InvalidConfigError(
        `wrong settings:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
      );
    return new Config(values);
  }

  get production(): boolean {
    return this.values.NODE_ENV === 'production';
  }

  /** True when the model is played by the offline stand-in. */
  get rehearsal(): boolean {
    return this.values.ANTHROPIC_API_KEY === undefined;
  }

  /** Where the models of a provider are asked, and with which key; without one they are rehearsed where Anthropic's are. */
  serviceOf(provider: Provider): { url: string; key?: string } {
    const { values } = this;
    switch (provider) {
      case 'anthropic':
        return { url: values.ANTHROPIC_BASE_URL, key: values.ANTHROPIC_API_KEY };
      case 'openai':
        return { url: values.OPENAI_BASE_URL, key: values.OPENAI_API_KEY };
      case 'gemini':
        return { url: values.GEMINI_BASE_URL, key: values.GEMINI_API_KEY };
    }
  }

  /** True when several processes share the work, over Redis and PostgreSQL. */
  get shared(): boolean {
    return this.values.REDIS_URL !== undefined;
  }

  /** True when all processes see the workspaces themselves. */
  get sharedVolume(): boolean {
    return this.values.WORKSPACE_STORAGE.kind === 'shared';
  }

  /** Where the workspaces are when they are in object storage; what is on this machine are copies of them. */
  get bucket(): { bucket: string; prefix: string } | undefined {
    const { WORKSPACE_STORAGE: storage } = this.values;
    return storage.kind === 's3' ? storage : undefined;
  }

  /** True when this process carries out executions; one that only answers callers leaves that to the workers. */
  get works(): boolean {
    return this.values.CAISSON_ROLE !== 'api';
  }

  /** True when this process answers callers; one that only works answers probes and the collector of metrics. */
  get serves(): boolean {
    return this.values.CAISSON_ROLE !== 'worker';
  }

  /** True when spans are sent to a collector. */
  get traces(): boolean {
    return this.traceEndpoint !== undefined && !this.values.OTEL_SDK_DISABLED;
  }

  /** Where spans are sent, by the rules of OpenTelemetry's variables. */
  get traceEndpoint(): string | undefined {
    const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: base } = this.values;
    if (own !== undefined || base === undefined) return own;
    return `${base.replace(/\/$/, '')}/v1/traces`;
  }

  get dataDirectory(): string {
    return resolve(this.values.CAISSON_DATA);
  }

  get workspaceRoot(): string {
    return resolve(this.values.CLAUDE_CODE_WORKSPACE ?? join(this.dataDirectory, 'workspaces'));
  }

  /** What the server keeps beside the workspaces, out of the sandboxes' sight: whoever has the one has the other. */
  get workspaceState(): string {
    return this.sharedVolume ? join(this.workspaceRoot, '.caisson') : this.dataDirectory;
  }

  /** True when nothing may run where cgroups cannot hold the limits of a sandbox. */
  get limitsRequired(): boolean {
    return (this.values.SANDBOX_LIMITS ?? (this.production ? 'required' : 'best-effort')) === 'required';
  }

  /** Every secret that must never be seen outside: the log redaction and its tests use this. */
  get secrets(): string[] {
    return Object.entries(SETTINGS)
      .filter(([, setting]) => 'secret' in setting)
      .flatMap(([name]) => strings(this.values[name as SettingName]));
  }
}

/** The texts in a value: of one, a list, or headers by name. */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}

/** The variable itself, or for secrets the content of the file that NAME_FILE names; '' counts as not set. */
function read(env: NodeJS.ProcessEnv, name: string, secret: boolean, problems: string[]): string | undefined {
  const direct = env[name] === '' ? undefined : env[name];
  const file = secret ? env[`${name}_FILE`] : undefined;
  if (file === undefined || file === '') return direct;
  if (direct !== undefined) problems.push(`${name}: give ${name} or ${name}_FILE, not both`);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    problems.push(`${name}_FILE: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
    return undefined;
  }
}

/** Settings that are right alone and wrong together. */
function contradictions(values: SettingValues): string[] {
  const problems: string[] = [];
  if (values.NODE_ENV === 'production' && values.ANTHROPIC_API_KEY === undefined)
    problems.push('ANTHROPIC_API_KEY: must be set in production (rehearsal is for trying out and for tests)');
  if (values.NODE_ENV === 'production' && values.EGRESS_TEST_LOOPBACK)
    problems.push('EGRESS_TEST_LOOPBACK: is for tests only and must not be set in production');
  if (!values.CLAUDE_CODE_MODELS.includes(values.CLAUDE_CODE_MODEL))
    problems.push('CLAUDE_CODE_MODEL: must be one of CLAUDE_CODE_MODELS');
  for (const [command, model] of values.MODEL_BY_COMMAND)
    if (!values.CLAUDE_CODE_MODELS.includes(model))
      problems.push(`MODEL_BY_COMMAND: ${command}=${model} must be one of CLAUDE_CODE_MODELS`);
  problems.push(...engineContradictions(values));
  if (values.REDIS_URL !== undefined && values.DATABASE_URL === undefined)
    problems.push('REDIS_URL: needs DATABASE_URL as well: several processes cannot share a SQLite file');
  problems.push(...storageContradictions(values));
  if (values.CAISSON_ROLE !== 'all' && values.REDIS_URL === undefined)
    problems.push('CAISSON_ROLE: only "all" can run without REDIS_URL and DATABASE_URL');
  return problems;
}

function engineContradictions(values: SettingValues): string[] {
  const { ENGINES, ACP_AGENTS, ENGINE_DEFAULT, ENGINE_BY_COMMAND } = values;
  const names = [...ENGINES, ...[...ACP_AGENTS.keys()].map(engineName)];
  const problems: string[] = [];
  if (!names.includes(ENGINE_DEFAULT)) problems.push('ENGINE_DEFAULT: must be one of ENGINES or ACP_AGENTS');
  for (const [command, engine] of ENGINE_BY_COMMAND)
    if (!names.includes(engine))
      problems.push(`ENGINE_BY_COMMAND: ${command}=${engine} must be one of ENGINES or ACP_AGENTS`);
  return problems;
}

function storageContradictions(values: SettingValues): string[] {
  const { kind } = values.WORKSPACE_STORAGE;
  const problems: string[] = [];
  if (values.REDIS_URL !== undefined && kind === 'local')
    problems.push(
      'WORKSPACE_STORAGE: must be shared or s3:// when several processes work on the same workspaces',
    );
  if (values.REDIS_URL === undefined && kind !== 'local')
    problems.push(`WORKSPACE_STORAGE: ${kind} needs REDIS_URL and DATABASE_URL`);
  if (kind === 'shared' && values.CLAUDE_CODE_WORKSPACE === undefined)
    problems.push('CLAUDE_CODE_WORKSPACE: must be set when WORKSPACE_STORAGE is shared');
  if (kind === 's3' && values.CLAUDE_CODE_WORKSPACE !== undefined)
    problems.push(
      'CLAUDE_CODE_WORKSPACE: must not be set when WORKSPACE_STORAGE is s3://: the copies are below CAISSON_DATA, which each process has for itself',
    );
  if ((values.AWS_ACCESS_KEY_ID === undefined) !== (values.AWS_SECRET_ACCESS_KEY === undefined))
    problems.push('AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: give both or none');
  return problems;
}
