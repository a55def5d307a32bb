/** What came out, as a table for people and as JSON for programs. */
import { type Figure, type Goal, isReached, type Row, type Unit } from './row.ts';
import { median } from './statistics.ts';

export interface Result {
  row: Row;
  figures: Figure[];
  /** Why there are no figures. */
  failure?: string;
  /** Why it was not run. */
  skipped?: string;
}

const HEAD = ['row', 'figure', 'median', 'min – max', 'of', 'goal', ''];

/** A Markdown table; ratios are what to read, absolute times belong to one machine. */
export function table(results: readonly Result[]): string {
  const rows = results.flatMap(({ row, figures, failure, skipped }) => {
    if (failure !== undefined) return [[row.name, 'could not be measured', '', '', '', '', '**failed**']];
    if (skipped !== undefined) return [[row.name, `not measured: ${skipped}`, '', '', '', '', 'skipped']];
    return figures.map((figure, index) => [index === 0 ? row.name : '', ...cells(figure)]);
  });
  return [HEAD, HEAD.map(() => '---'), ...rows].map((cell) => `| ${cell.join(' | ')} |`).join('\n');
}

function cells(figure: Figure): string[] {
  const { name, unit, samples, goal } = figure;
  const [min, max] = [Math.min(...samples), Math.max(...samples)];
  return [
    name,
    withUnit(median(samples), unit),
    samples.length > 1 ? `${shown(min)} – ${shown(max)}` : '',
    samples.length > 1 ? String(samples.length) : '',
    goal === undefined ? '' : goalText(goal, unit),
    goal === undefined ? '' : isReached(figure) ? 'reached' : '**missed**',
  ];
}

/** The same, with every value. */
export const asJson = (results: readonly Result[]): unknown =>
  results.map(({ row: { name, measures }, figures, failure, skipped }) => ({
    name,
    measures,
    failure,
    skipped,
    figures: figures.map((figure) => ({
      ...figure,
      median: median(figure.samples),
      min: Math.min(...figure.samples),
      max: Math.max(...figure.samples),
      reached: isReached(figure),
    })),
  }));

const goalText = (goal: Goal, unit: Unit): string =>
  'atMost' in goal ? `≤ ${withUnit(goal.atMost, unit)}` : `≥ ${withUnit(goal.atLeast, unit)}`;

const withUnit = (value: number, unit: Unit): string =>
  unit === '×' || unit === 'count' ? shown(value) : `${shown(value)} ${unit}`;

/** Three digits that mean something. */
const shown = (value: number): string =>
  Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
