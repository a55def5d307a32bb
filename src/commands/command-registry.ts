/** The commands by action. The start fails when an action has no command, or two. */
import { Inject, Injectable } from '@nestjs/common';
import { COMMAND_ACTIONS, type CommandAction } from './claude-code-request.js';
import { Command } from './command.js';

/** Injection token of the list of all commands. */
export const COMMANDS = Symbol('COMMANDS');

@Injectable()
export class CommandRegistry {
  private readonly byAction: ReadonlyMap<CommandAction, Command>;

  constructor(@Inject(COMMANDS) readonly all: readonly Command[]) {
    this.byAction = new Map(all.map((command) => [command.action, command]));
    for (const action of COMMAND_ACTIONS) {
      const count = all.filter((command) => command.action === action).length;
      if (count !== 1) throw new Error(`the action "${action}" has ${count} commands; it needs exactly one`);
    }
  }

  get(action: CommandAction): Command {
    const command = this.byAction.get(action);
    if (command === undefined) throw new Error(`no command for "${action}"`);
    return command;
  }
}
