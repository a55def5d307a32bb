import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { ClaudeCodeError } from './claude-code.error.js';
import { invalidRequest, toClaudeCodeError } from './to-claude-code-error.js';

describe('toClaudeCodeError', () => {
  it('leaves an error of the catalogue as it is', () => {
    const error = new ClaudeCodeError('E011', 'used up');
    expect(toClaudeCodeError(error)).toBe(error);
  });

  it.each([
    [400, 'E003'],
    [401, 'E007'],
    [403, 'E008'],
    [404, 'E009'],
    [405, 'E003'],
    [409, 'E010'],
    [413, 'E003'],
    [415, 'E003'],
    [429, 'E002'],
    [500, 'E099'],
    [502, 'E099'],
    [503, 'E012'],
  ])("gives the framework's %i the code %s", (status, code) => {
    expect(toClaudeCodeError(new HttpException('/etc/secret', status))).toMatchObject({ code });
    expect(toClaudeCodeError(new HttpException('/etc/secret', status)).message).not.toContain('secret');
  });

  it.each([new Error('secret'), 'secret', undefined, null, { message: 'secret' }])(
    'makes a defect of %p, kept as the cause',
    (thrown) => {
      const error = toClaudeCodeError(thrown);
      expect(error).toMatchObject({ code: 'E099', cause: thrown });
      expect(JSON.stringify(error.toBody())).not.toContain('secret');
    },
  );

  it('says what was wrong with a body', () => {
    const cause = Object.assign(new Error('request entity too large'), { type: 'entity.too.large' });
    expect(toClaudeCodeError(new BadRequestException('x', { cause }))).toMatchObject({
      code: 'E003',
      details: [{ field: 'body', problem: 'is larger than allowed' }],
    });
  });

  it("does not repeat the framework's text about a path", () => {
    expect(toClaudeCodeError(new NotFoundException('Cannot GET /x')).message).toBe('Not found.');
  });
});

describe('invalidRequest', () => {
  it('cuts long fields between characters, and long lists', () => {
    const problems = Array.from({ length: 200 }, () => ({ field: '😀'.repeat(500), problem: 'x' }));
    const details = invalidRequest(problems).details as { field: string }[];
    expect(details).toHaveLength(50);
    expect(details[0]!.field.isWellFormed()).toBe(true);
    expect(details[0]!.field.length).toBeLessThan(210);
  });
});
