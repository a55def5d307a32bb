/** The command as a user has it: found in the PATH by its name, typed into a shell, in a directory with a project. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Typed {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Typing {
  process: ChildProcess;
  /** What it has written so far on standard output. */
  printed: () => string;
  ended: Promise<Typed>;
}

export interface Shell {
  /** Runs the line to its end. */
  type: (line: string, options?: TypeOptions) => Promise<Typed>;
  /** Begins with it. */
  begin: (line: string, options?: TypeOptions) => Typing;
  /** Runs it at a terminal, on which everything it writes is seen, and answers its question. */
  atTerminal: (
    line: string,
    answer: string,
    options?: TypeOptions,
  ) => Promise<{ code: number | null; seen: string }>;
}

interface TypeOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  stdin?: string;
}

/** As npm links them. @param directory of its own, for what stands for an installation */
export async function shellIn(directory: string, env: NodeJS.ProcessEnv): Promise<Shell> {
  const bin = join(directory, 'bin');
  await mkdir(bin, { recursive: true });
  for (const name of ['claude-code', 'caisson'])
    await symlink(resolve('bin', `${name}.mjs`), join(bin, name));
  // The Node of the tests: what `env node` finds first.
  await symlink(process.execPath, join(bin, 'node'));
  const started = (program: string, args: string[], options: TypeOptions) =>
    spawn(program, args, {
      cwd: options.cwd,
      env: { PATH: `${bin}:${process.env.PATH}`, HOME: directory, ...env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  const begin = (line: string, options: TypeOptions = {}): Typing => {
    // `exec`: signals go to the command, as they do from a terminal.
    const shell = started('sh', ['-c', `exec ${line}`], options);
    let printed = '';
    shell.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
    shell.stdin.on('error', () => undefined); // it may end without reading all of it
    shell.stdin.end(options.stdin ?? '');
    const ended = Promise.all([once(shell, 'close'), text(shell.stderr)]).then(([[code], stderr]) => ({
      code: code as number | null,
      stdout: printed,
      stderr,
    }));
    return { process: shell, printed: () => printed, ended };
  };
  const atTerminal = async (line: string, answer: string, options: TypeOptions = {}) => {
    const shell = started('script', ['-qefc', line, '/dev/null'], {
      ...options,
      env: { TERM: 'xterm-256color', SHELL: '/bin/sh', ...options.env },
    });
    let seen = '';
    shell.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const asked = seen.includes('[y/N]');
      seen += chunk;
      if (!asked && seen.includes('[y/N]')) shell.stdin.write(answer);
    });
    const [code] = (await once(shell, 'close')) as [number | null];
    return { code, seen };
  };
  return { begin, type: (line, options) => begin(line, options).ended, atTerminal };
}

/** Writes the files of a project. */
export async function project(directory: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return directory;
}
