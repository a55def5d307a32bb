import { SIXTY_REQUESTS } from '../../../test/support/sixty-requests.js';
import { Config } from '../../config/config.js';
import { type Asked, decide } from './decision.js';

const { HYBRID_WEIGHTS, HYBRID_THRESHOLD } = Config.from({}).values;
const ASKED: Asked = { command: 'generate', prompt: 'x', access: 'read-write', files: [], hosts: false };

describe('the decision of hybrid', () => {
  it('is known for sixty requests', () => {
    expect(SIXTY_REQUESTS).toHaveLength(60);
  });

  it.each(SIXTY_REQUESTS.map((it) => [it.expected, it.command, it.prompt, it] as const))(
    'is %s for %s "%s"',
    (expected, _command, _prompt, { entries, ...asked }) => {
      expect(decide(asked, { entries, whole: true }, HYBRID_WEIGHTS, HYBRID_THRESHOLD).engine).toBe(expected);
    },
  );

  it('is the sum of its reasons, which are told', () => {
    const asked = { ...ASKED, prompt: 'Run the tests in all files', hosts: true };
    expect(decide(asked, { entries: 10_000, whole: true }, HYBRID_WEIGHTS, 50)).toEqual({
      engine: 'claude-code',
      score: 185,
      threshold: 50,
      reasons: [
        'generate +5: the command',
        'programs +60: a shell is needed for "Run the tests"',
        'hosts +60: hosts were granted to the project',
        'breadth +30: "all files"',
        'size +30: 10000 files',
      ],
    });
  });

  it('follows threshold and points', () => {
    const of = (threshold: number, weights = HYBRID_WEIGHTS) =>
      decide(ASKED, undefined, weights, threshold).engine;
    expect(of(5)).toBe('claude-code');
    expect(of(6)).toBe('messages');
    expect(of(6, { ...HYBRID_WEIGHTS, generate: 6 })).toBe('claude-code');
  });

  it('takes little time for any prompt', () => {
    const pieces = ['run ', 'a/', 'all ', '-', '\n', ' ', 'x', './', 'a.', 'do not run '];
    const prompts = pieces.map((piece) => piece.repeat(100_000 / piece.length));
    const begun = performance.now();
    for (const prompt of prompts) decide({ ...ASKED, prompt }, undefined, HYBRID_WEIGHTS, 50);
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});
