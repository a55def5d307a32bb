/** Changes come back: shown, asked about, put in place. */
import { resolve } from 'node:path';
import type { CaissonClient } from '../client/client.js';
import { CommandError, EXIT } from './exit-codes.js';
import { apply, backUp } from './files/apply.js';
import { outcomeOf } from './files/outcome.js';
import { planOf, type Plan } from './files/plan.js';
import { colouredDiff } from './output/diff.js';
import { printable } from './output/printable.js';
import { confirmed } from './output/question.js';
import type { Terminal } from './output/terminal.js';
import type { Workplace } from './workplace.js';

export interface BringBack {
  /** In the order in which they wrote. */
  ids: readonly string[];
  local: NonNullable<Workplace['local']>;
  /** A directory for the files, instead of the one they came from. */
  output?: string;
  backup: boolean;
  /** Nobody is asked. */
  yes: boolean;
}

export interface BroughtBack {
  directory: string;
  files: Pick<Plan['steps'][number], 'path' | 'action'>[];
  /** Where the state before is. */
  backup?: string;
}

/** @throws CommandError when they are not put in place, and why */
export async function bringBack(
  client: CaissonClient,
  { ids, local, output, backup, yes }: BringBack,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<BroughtBack> {
  const outcome = await outcomeOf(client, ids);
  const directory = output === undefined ? local.root : resolve(output);
  const plan = planOf(outcome, directory, output === undefined ? local.manifest : undefined);
  for (const line of plan.leftOut) terminal.say(terminal.err('yellow', `left out: ${printable(line)}`));
  if (plan.problems.length > 0)
    throw new CommandError(
      `nothing was changed in ${directory}:\n  ${printable(plan.problems.join('\n  '))}`,
      EXIT.notApplied,
    );
  if (plan.steps.length === 0) {
    if (terminal.live) terminal.say('No file was changed.');
    return { directory, files: [] };
  }
  if (terminal.live)
    terminal.say(colouredDiff(outcome.diff, (style, line) => terminal.err(style, line)).trimEnd());
  if (!yes && asks(plan, output)) await ask(plan, terminal, signal);
  const kept = backup ? backUp(plan, ids.at(-1) ?? 'backup') : undefined;
  apply(plan);
  for (const { path, action } of plan.steps) terminal.say(`${action} ${printable(path)}`);
  if (kept !== undefined) terminal.say(`the state before is in ${kept}`);
  return {
    directory,
    files: plan.steps.map(({ path, action }) => ({ path, action })),
    ...(kept === undefined ? {} : { backup: kept }),
  };
}

/** Whoever names a directory for the results wants them there; only what is there already is not overwritten unasked. */
const asks = ({ steps }: Plan, output: string | undefined): boolean =>
  output === undefined || steps.some(({ action }) => action !== 'created');

async function ask({ steps, root }: Plan, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const files = steps.length === 1 ? '1 file' : `${steps.length} files`;
  if (!terminal.canAsk)
    throw new CommandError(
      `${files} would be changed in ${root}, and there is no terminal to ask on: --yes changes them, --dry-run shows them`,
      EXIT.notApplied,
    );
  if (!(await confirmed(`Change ${files} in ${root}?`, terminal, signal)))
    throw new CommandError('nothing was changed', EXIT.notApplied);
}
