import { Config } from './config.js';

const parse = (agents: unknown) =>
  Config.from({ ACP_AGENTS: typeof agents === 'string' ? agents : JSON.stringify(agents) }).values.ACP_AGENTS;
const agent = { command: ['opencode', 'acp'], provider: 'openai', models: ['gpt-5.1'] };

describe('ACP_AGENTS', () => {
  it('names agents', () => {
    expect([...parse({ opencode: agent })]).toEqual([['opencode', { ...agent, env: {} }]]);
    expect(parse('').size).toBe(0);
  });

  it.each([
    ['[', 'must be a JSON object of agents by name'],
    ['7', 'must be a JSON object of agents by name'],
    [{ Open_Code: agent }, 'small letters, digits and hyphens'],
    [{ a: { ...agent, command: [] } }, 'a.command'],
    [{ a: { ...agent, command: 'opencode acp' } }, 'a.command'],
    [{ a: { ...agent, provider: 'azure' } }, 'a.provider'],
    [{ a: { ...agent, models: [] } }, 'a.models'],
    [{ a: { ...agent, directory: 'relative' } }, 'a.directory'],
    [{ a: { ...agent, env: { 'NOT A NAME': 'x' } } }, 'a.env'],
    [{ a: { ...agent, secret: 'x' } }, 'secret'],
  ])('is refused with what is wrong: %j', (agents, problem) => {
    expect(() => parse(agents)).toThrow(problem);
  });

  it('may be the default engine, and that of a command', () => {
    const settings = { ACP_AGENTS: JSON.stringify({ opencode: agent }) };
    expect(Config.from({ ...settings, ENGINE_DEFAULT: 'acp:opencode' }).values.ENGINE_DEFAULT).toBe(
      'acp:opencode',
    );
    expect(() => Config.from({ ...settings, ENGINE_BY_COMMAND: 'review=acp:gemini' })).toThrow(
      'review=acp:gemini must be one of ENGINES or ACP_AGENTS',
    );
  });
});
