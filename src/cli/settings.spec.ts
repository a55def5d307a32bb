import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CommonOptions, serverOf, settingsOf } from './settings.js';

describe('what holds for one run', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'caisson-settings-'));
    writeFileSync(join(directory, 'key'), 'the key of the file\n');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const file = (content: unknown): string => {
    const path = join(directory, 'claude-code.json');
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };

  it('is the command line before the environment before the file', () => {
    const config = file({
      server: 'http://file',
      apiKeyFile: 'key',
      model: 'of-file',
      engine: 'messages',
      maxTokens: 7,
      format: 'json',
    });
    const of = (options: CommonOptions, env: NodeJS.ProcessEnv = {}) =>
      settingsOf({ config, ...options }, env);
    expect(of({})).toMatchObject({
      server: { url: 'http://file', key: 'the key of the file' },
      model: 'of-file',
      engine: 'messages',
      maxTokens: 7,
      format: 'json',
      yes: false,
    });
    expect(of({}, { CAISSON_URL: 'http://env', CAISSON_API_KEY: 'k' }).server).toEqual({
      url: 'http://env',
      key: 'k',
    });
    expect(of({ engine: 'hybrid' }).engine).toBe('hybrid');
    expect(of({ server: 'http://line', model: 'of-line' }, { CAISSON_URL: 'http://env' })).toMatchObject({
      server: { url: 'http://line' },
      model: 'of-line',
    });
  });

  it('is no server and no question where none is named', () => {
    expect(settingsOf({}, { CAISSON_URL: '' })).toEqual({
      directory: '.',
      only: [],
      format: 'text',
      formatAsked: false,
      yes: false,
      cache: true,
    });
    expect(settingsOf({ interactive: false }, {}).yes).toBe(true);
    expect(settingsOf({ timeout: 2 }, {}).timeout).toBe(2000);
    expect(() => serverOf(settingsOf({}, {}))).toThrow('this needs a server');
    expect(() => settingsOf({ project: 'shop' }, {})).toThrow('--project names a project of a server');
  });

  it.each([
    ['no JSON', '{', 'JSON'],
    ['a name that is none', { modell: 'x' }, 'modell'],
    ['a value that is none', { maxTokens: -1 }, 'maxTokens'],
    ['a server that is none', { server: 'ftp://x' }, 'server'],
    ['a key that cannot be read', { server: 'http://x', apiKeyFile: 'none' }, 'the key cannot be read'],
    ['no key', { server: 'http://x' }, 'set CAISSON_API_KEY'],
  ])('names what is wrong with a file that holds %s', (_case, content, problem) => {
    const config = file(content);
    expect(() => settingsOf({ config }, {})).toThrow(problem);
  });
});
