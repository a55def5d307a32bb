/** The one typed, validated configuration; nothing else reads process.env. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
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

  get dataDirectory(): string {
    return resolve(this.values.CAISSON_DATA);
  }

  get workspaceRoot(): string {
    return resolve(this.values.CLAUDE_CODE_WORKSPACE ?? join(this.dataDirectory, 'workspaces'));
  }

  /** True when nothing may run where cgroups cannot hold the limits of a sandbox. */
  get limitsRequired(): boolean {
    return (this.values.SANDBOX_LIMITS ?? (this.production ? 'required' : 'best-effort')) === 'required';
  }

  /** Every secret that must never be seen outside: the log redaction and its tests use this. */
  get secrets(): string[] {
    return Object.entries(SETTINGS)
      .filter(([, setting]) => 'secret' in setting)
      .flatMap(([name]) => this.values[name as SettingName])
      .filter((value): value is string => typeof value === 'string');
  }
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
  if (values.CAISSON_ROLE !== 'all')
    problems.push('CAISSON_ROLE: only "all" can run without a shared queue and database');
  return problems;
}
