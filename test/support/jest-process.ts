/** Runs test files in a Jest of their own: as another user, or to be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

export interface JestProcess {
  child: ChildProcess;
  /** What it prints, to its end. */
  output: Promise<string>;
  exitCode: Promise<number | null>;
}

export function jestProcess(
  file: string,
  options: { uid?: number; env?: NodeJS.ProcessEnv } = {},
): JestProcess {
  const args = ['--runInBand', '--no-cache', '--globalSetup=', '--globalTeardown=', `--testMatch=**/${file}`];
  const child = spawn(process.execPath, [resolve('node_modules/jest/bin/jest.js'), ...args], {
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    env: { ...process.env, NODE_OPTIONS: '--experimental-vm-modules', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exitCode = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  return { child, exitCode, output: exitCode.then(() => Buffer.concat(chunks).toString()) };
}
