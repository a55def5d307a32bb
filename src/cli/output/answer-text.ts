/** An answer as text: what `analyze` found as sections, what `review` suggests as a list, everything else as it was written. */
import type { ClaudeCodeResponse } from '../../client/client.js';

export type TextFormat = 'text' | 'markdown';

/** @param shownText the text has been seen already, as it came */
export function answerText(
  { action, result = {} }: ClaudeCodeResponse,
  format: TextFormat,
  shownText = false,
): string {
  // What the others say on the way is not their answer, which is an object.
  const seen = shownText && (action === 'generate' || action === 'refactor');
  const sections = [
    ...(seen || result.text === undefined ? [] : [result.text]),
    ...analysisSections(result.analysis ?? {}, format, result.text),
    ...(result.suggestions === undefined ? [] : [suggestionsText(result.suggestions)]),
  ];
  const text = sections.filter((section) => section.trim() !== '').join('\n\n');
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

const suggestionsText = (suggestions: readonly string[]): string =>
  suggestions.length === 0 ? 'No findings.' : suggestions.map((suggestion) => `- ${suggestion}`).join('\n');

/** The object is the model's: whatever is not as its schema says is left out of the text, and is in the JSON. */
function analysisSections(
  analysis: Record<string, unknown>,
  format: TextFormat,
  text: string | undefined,
): string[] {
  const heading = (title: string) => (format === 'markdown' ? `## ${title}\n\n` : `${title}\n`);
  const list = (title: string, lines: string[]) =>
    lines.length === 0 ? [] : [heading(title) + lines.map((line) => `- ${line}`).join('\n')];
  const summary = textOf(analysis.summary);
  return [
    ...(summary === '' || summary === text ? [] : [summary]),
    ...list(
      'Structure',
      objectsOf(analysis.structure).map((part) => `${textOf(part.path)}: ${textOf(part.purpose)}`),
    ),
    ...list(
      'Findings',
      objectsOf(analysis.findings).map((finding) => {
        const place = [textOf(finding.path), textOf(finding.line)].filter((part) => part !== '').join(':');
        return `[${textOf(finding.severity)}] ${place === '' ? '' : `${place}: `}${textOf(finding.title)}: ${textOf(finding.detail)}`;
      }),
    ),
    ...list(
      'Tests',
      objectsOf(analysis.tests).map((test) => `${textOf(test.path)}: ${textOf(test.covers)}`),
    ),
  ];
}

const objectsOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value)
    ? value.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null)
    : [];

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
