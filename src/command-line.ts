/** The command line of both programs, with the product behind it, of which each command loads what it needs. */
import type { Host } from './cli/host.js';
import { type ProgramName, runProgram } from './cli/program.js';

/** Ends the process, unless what was asked for goes on: a server. */
export async function commandLine(
  name: ProgramName,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  // An object: of a `let` that only a closure changes the compiler believes that it never does.
  const ends = { byItself: true };
  const host: Host = {
    serve: async () => {
      ends.byItself = false;
      await (await import('./serve.js')).serve(env);
    },
    settings: async () => (await import('./settings-text.js')).settingsText(),
    migrate: async () => (await import('./serve.js')).migrate(env),
    backUp: async (file) => (await import('./serve.js')).backUpTo(file, env),
    embed: async ({ model }) => (await import('./embedded.js')).startEmbedded(env, model),
  };
  const { stdin, stdout, stderr } = process;
  // A reader that has what it wanted (`| head`) goes: nobody is left to print for.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (ends.byItself && error.code === 'EPIPE') process.exit();
  });
  const exitCode = await runProgram({ name, args, env, streams: { stdin, stdout, stderr }, host });
  if (ends.byItself) process.exit(exitCode);
}
