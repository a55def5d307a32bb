import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Config, InvalidConfigError } from './config.js';

describe('Config', () => {
  it('starts with no variable set, in rehearsal', () => {
    const config = Config.from({});
    expect(config.rehearsal).toBe(true);
    expect(config.values.CLAUDE_CODE_MAX_CONCURRENT).toBe(5);
  });

  it('lists every wrong variable in one message and never shows a secret', () => {
    const wrong = () =>
      Config.from({
        PORT: 'eighty',
        CLAUDE_CODE_TIMEOUT: '0',
        BOOTSTRAP_API_KEY: 'short-secret',
        ANTHROPIC_BASE_URL: 'http://example.com',
      });
    expect(wrong).toThrow(InvalidConfigError);
    expect(wrong).toThrow(/PORT.*\n.*|CLAUDE_CODE_TIMEOUT/s);
    for (const name of ['PORT', 'CLAUDE_CODE_TIMEOUT', 'BOOTSTRAP_API_KEY', 'ANTHROPIC_BASE_URL'])
      expect(wrong).toThrow(new RegExp(`  ${name}: `));
    expect(wrong).not.toThrow(/short-secret/);
  });

  it('refuses production without a model key', () => {
    expect(() => Config.from({ NODE_ENV: 'production' })).toThrow(/ANTHROPIC_API_KEY/);
  });

  it('refuses production with the loopback opened to sandboxes', () => {
    const env = { NODE_ENV: 'production', ANTHROPIC_API_KEY: 'sk-key', EGRESS_TEST_LOOPBACK: 'true' };
    expect(() => Config.from(env)).toThrow(/EGRESS_TEST_LOOPBACK/);
    expect(Config.from({ EGRESS_TEST_LOOPBACK: 'true' }).values.EGRESS_TEST_LOOPBACK).toBe(true);
  });

  describe('the engine and the model of a command', () => {
    it('are set one by one', () => {
      const { values } = Config.from({
        ENGINE_BY_COMMAND: 'analyze=claude-code',
        MODEL_BY_COMMAND: 'analyze=claude-haiku-5-5, review = claude-opus-5-5',
      });
      expect(values.ENGINE_BY_COMMAND.get('analyze')).toBe('claude-code');
      expect([...values.MODEL_BY_COMMAND]).toEqual([
        ['analyze', 'claude-haiku-5-5'],
        ['review', 'claude-opus-5-5'],
      ]);
    });

    it.each([
      [{ ENGINES: 'claude-code,other' }, '"other" is no engine'],
      [{ ENGINE_DEFAULT: 'other' }, 'ENGINE_DEFAULT: must be one of ENGINES'],
      [{ ENGINE_BY_COMMAND: 'analyze=other' }, 'ENGINE_BY_COMMAND: analyze=other must be one of ENGINES'],
      [{ ENGINE_BY_COMMAND: 'dance=claude-code' }, '"dance" is no command'],
      [{ MODEL_BY_COMMAND: 'analyze=other' }, 'analyze=other must be one of CLAUDE_CODE_MODELS'],
    ])('are not %j', (env, problem) => {
      expect(() => Config.from(env)).toThrow(problem);
    });
  });

  describe('where workspaces are', () => {
    const several = { REDIS_URL: 'redis://localhost', DATABASE_URL: 'postgres://localhost/caisson' };

    it('may be a bucket, with what stands before all names in it', () => {
      const of = (WORKSPACE_STORAGE: string) => Config.from({ ...several, WORKSPACE_STORAGE }).bucket;
      expect(of('s3://files')).toMatchObject({ bucket: 'files', prefix: '' });
      expect(of('s3://my.files/a/b/')).toMatchObject({ bucket: 'my.files', prefix: 'a/b' });
      expect(() => of('s3://')).toThrow('must be local, shared or s3://bucket/prefix');
      expect(() => of('s3://UPPER')).toThrow('must be local, shared or s3://bucket/prefix');
    });

    it.each<[string, NodeJS.ProcessEnv]>([
      ['needs REDIS_URL and DATABASE_URL', { WORKSPACE_STORAGE: 's3://files' }],
      ['must not be set', { ...several, WORKSPACE_STORAGE: 's3://files', CLAUDE_CODE_WORKSPACE: '/srv' }],
      ['must be set', { ...several, WORKSPACE_STORAGE: 'shared' }],
      ['must be shared or s3://', several],
      ['give both or none', { ...several, WORKSPACE_STORAGE: 's3://files', AWS_ACCESS_KEY_ID: 'key' }],
    ])('is refused where it cannot work: %s', (words, settings) => {
      expect(() => Config.from(settings)).toThrow(words);
    });
  });

  it('takes granted hosts in one spelling, and names each that is none', () => {
    expect(Config.from({ EGRESS_ALLOW: 'GitHub.com., *.Bücher.example' }).values.EGRESS_ALLOW).toEqual([
      'github.com',
      '*.xn--bcher-kva.example',
    ]);
    expect(() => Config.from({ EGRESS_ALLOW: 'github.com,*.com,10.0.0.1' })).toThrow(
      /EGRESS_ALLOW: "\*\.com" .*"10\.0\.0\.1"/,
    );
  });

  describe('a secret from a file', () => {
    let directory: string;
    beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'caisson-config-'))));
    afterEach(() => rmSync(directory, { recursive: true }));

    it('is read without its final newline', () => {
      const file = join(directory, 'key');
      writeFileSync(file, 'sk-from-file\n');
      expect(Config.from({ ANTHROPIC_API_KEY_FILE: file }).values.ANTHROPIC_API_KEY).toBe('sk-from-file');
    });

    it('that cannot be read stops the start', () => {
      expect(() => Config.from({ ANTHROPIC_API_KEY_FILE: join(directory, 'none') })).toThrow(/ENOENT/);
    });

    it('is refused beside the variable itself', () => {
      const file = join(directory, 'key');
      writeFileSync(file, 'a');
      expect(() => Config.from({ ANTHROPIC_API_KEY_FILE: file, ANTHROPIC_API_KEY: 'b' })).toThrow(/not both/);
    });
  });
});
