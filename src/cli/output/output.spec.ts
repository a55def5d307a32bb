import { answerText } from './answer-text.js';
import { dollars, elapsed, tokens } from './amounts.js';
import { colouredDiff } from './diff.js';
import { oneLine, printable } from './printable.js';

describe('what is shown at a terminal', () => {
  it('is text: no byte of it is a command to the terminal', () => {
    const hostile = 'a\u001b]0;title\u0007b\u009b2Jc\rd\u202ee\r\nf\tg\u007f';
    expect(printable(hostile)).toBe('a␛]0;title␇b\ufffd2Jc␍d\ufffde\nf\tg␡');
    expect(oneLine('  rm -rf\n\u001b[2J /  ', 12)).toBe('rm -rf ␛[2J…');
  });

  it('has a diff in colour, line by line', () => {
    const diff = 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n--- gone\n+\u001b[2J\n';
    expect(colouredDiff(diff, (style, line) => `<${style as string}>${line}`)).toBe(
      '<bold>diff --git a/x b/x\n<bold>--- a/x\n<bold>+++ b/x\n<cyan>@@ -1,2 +1,2 @@\n same\n<red>--- gone\n<green>+␛[2J\n',
    );
  });

  it('has amounts as people read them', () => {
    expect([elapsed(1234), elapsed(125_400), tokens(12_708), dollars(0.0512), dollars(3)]).toEqual([
      '1.2 s',
      '2 min 5 s',
      '12,708 tokens',
      '$0.0512',
      '$3.00',
    ]);
  });

  it('has an analysis in sections, without what is not as it should be', () => {
    const analysis = {
      summary: 'A shop.',
      structure: [{ path: 'src', purpose: 'all of it' }, 'rubbish'],
      findings: [{ severity: 'high', title: 'Loop', detail: 'never ends', path: 'a.ts', line: 3 }],
    };
    const response = {
      success: true,
      action: 'analyze',
      result: { text: 'A shop.', analysis },
      metadata: { executionId: '', duration: 0, tokensUsed: 0, model: '' },
    };
    expect(answerText(response, 'text')).toBe(
      'A shop.\n\nStructure\n- src: all of it\n- : \n\nFindings\n- [high] a.ts:3: Loop: never ends\n'.replace(
        '- : \n',
        '',
      ),
    );
    expect(answerText(response, 'markdown')).toContain('## Findings\n\n- [high]');
  });
});
