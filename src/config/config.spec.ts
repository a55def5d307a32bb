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
