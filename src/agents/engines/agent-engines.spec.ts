import { Config } from '../../config/config.js';
import type { AgentEngine } from '../agent-engine.js';
import { AgentEngines } from './agent-engines.js';

const engine = (name: string) => ({ name }) as AgentEngine;

describe('the engines', () => {
  const config = Config.from({
    ENGINE_DEFAULT: 'hybrid',
    ENGINE_BY_COMMAND: 'review=claude-code',
    MODEL_BY_COMMAND: 'review=claude-opus-5-5',
  });
  const engines = new AgentEngines([engine('claude-code'), engine('hybrid')], config);

  it('have defaults for each command', () => {
    expect(['review', 'generate'].map((command) => engines.defaultFor(command))).toEqual([
      'claude-code',
      'hybrid',
    ]);
    const models = ['claude-sonnet-5-5', 'claude-opus-5-5'];
    expect(['review', 'generate'].map((command) => engines.defaultModelFor(command, { models }))).toEqual([
      'claude-opus-5-5',
      'claude-sonnet-5-5',
    ]);
    expect(engines.defaultModelFor('generate', { models: ['gemini-3-pro'] })).toBe('gemini-3-pro');
  });

  it('are found by name; one that is not configured any more is not available', () => {
    expect(engines.names).toEqual(['claude-code', 'hybrid']);
    expect(engines.get('hybrid').name).toBe('hybrid');
    expect(engines.find('messages')).toBeUndefined();
    expect(() => engines.get('messages')).toThrow(expect.objectContaining({ code: 'E012' }));
  });
});
