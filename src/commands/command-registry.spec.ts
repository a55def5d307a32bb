import { AnalyzeCommand } from './analyze.command.js';
import { CommandRegistry } from './command-registry.js';
import { GenerateCommand } from './generate.command.js';
import { RefactorCommand } from './refactor.command.js';
import { ReviewCommand } from './review.command.js';

describe('CommandRegistry', () => {
  const all = [new GenerateCommand(), new AnalyzeCommand(), new RefactorCommand(), new ReviewCommand()];

  it('finds the command of an action', () => {
    expect(new CommandRegistry(all).get('review')).toBe(all[3]);
  });

  it('fails the start when an action has no command', () => {
    expect(() => new CommandRegistry(all.slice(1))).toThrow('"generate" has 0 commands');
  });

  it('fails the start when an action has two', () => {
    expect(() => new CommandRegistry([...all, new ReviewCommand()])).toThrow('"review" has 2 commands');
  });
});
