/** Runs git inside the sandbox, with a configuration that is ours alone: it asks nobody, runs nothing and speaks https only. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Failure } from './failure.mts';
import { onDisk } from './names.mts';

/** Given to every call; a repository's own configuration does not come with a clone. */
const CONFIGURATION = [
  ...['protocol.allow=never', 'protocol.https.allow=always', 'http.followRedirects=initial'],
  ...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'credential.helper=', 'submodule.recurse=false'],
  ...['core.protectHFS=true', 'core.protectNTFS=true', 'core.symlinks=true', 'advice.detachedHead=false'],
  // Nothing goes on in the background, and a large file passes through in pieces.
  ...['gc.auto=0', 'maintenance.auto=false', 'fetch.recurseSubmodules=false', 'core.bigFileThreshold=16m'],
  // Bytes a second, and for how many seconds: a server that drips is given up.
  ...['http.lowSpeedLimit=1000', 'http.lowSpeedTime=30'],
].flatMap((setting) => ['-c', setting]);

/** Added to the sandbox's own, which names the way to the granted host. */
const ENVIRONMENT = [
  ...['GIT_ALLOW_PROTOCOL=https', 'GIT_TERMINAL_PROMPT=0', 'GIT_ASKPASS=/bin/false'],
  ...['GIT_CONFIG_NOSYSTEM=1', 'GIT_CONFIG_GLOBAL=/dev/null', 'GIT_ATTR_NOSYSTEM=1'],
];

/** Characters of a complaint that are passed on. */
const COMPLAINT_MAX = 500;
/** What stands in front of git's own words. */
const MARK = /^(?:fatal|error|remote): /;

export interface Git {
  (...args: string[]): Promise<Buffer>;
  /** Gives each NUL-ended record of the output to `visit`; what that throws ends git. */
  records(args: string[], visit: (record: Buffer) => void): Promise<void>;
  /** The contents of objects, in their order. */
  blobs(objects: readonly string[]): Promise<Buffer[]>;
}

/** Git in a directory. @param maxFileBytes of any one file that it writes, a pack included */
export function gitIn(directory: string, options: { maxFileBytes: number; certificates?: string }): Git {
  const certificates = options.certificates === undefined ? [] : [`GIT_SSL_CAINFO=${options.certificates}`];
  const start = (args: readonly string[]): ChildProcessByStdio<Writable, Readable, Readable> =>
    spawn(
      '/usr/bin/prlimit',
      [
        `--fsize=${options.maxFileBytes}`,
        // Without the signal the write fails, and git says why: killed by it, index-pack says nothing.
        ...['/usr/bin/env', '--ignore-signal=XFSZ', ...ENVIRONMENT, ...certificates],
        ...['/usr/bin/git', ...CONFIGURATION, ...args],
      ],
      { cwd: onDisk(directory).toString(), stdio: ['pipe', 'pipe', 'pipe'] },
    );
  const run = async (...args: string[]): Promise<Buffer> => {
    const child = start(args);
    child.stdin.end();
    const [output] = await Promise.all([buffer(child.stdout), success(child)]);
    return output;
  };
  return Object.assign(run, {
    records: async (args: string[], visit: (record: Buffer) => void) => {
      const child = start(args);
      child.stdin.end();
      const ended = success(child);
      ended.catch(() => undefined);
      try {
        await eachRecord(child.stdout, visit);
      } catch (error) {
        child.kill('SIGKILL');
        throw error;
      }
      await ended;
    },
    blobs: async (objects: readonly string[]) => {
      const child = start(['cat-file', '--batch']);
      child.stdin.end(objects.map((object) => `${object}\n`).join(''));
      const [output] = await Promise.all([buffer(child.stdout), success(child)]);
      return contentsIn(output);
    },
  });
}

async function eachRecord(output: Readable, visit: (record: Buffer) => void): Promise<void> {
  let rest = Buffer.alloc(0);
  for await (const chunk of output as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      visit(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
  }
}

/** Of `cat-file --batch`: a line that ends in the size, the content, a newline. */
function contentsIn(output: Buffer): Buffer[] {
  const contents: Buffer[] = [];
  for (let at = 0; at < output.length;) {
    const line = output.indexOf(0x0a, at);
    const size = Number(output.subarray(at, line).toString('latin1').split(' ').at(-1));
    if (line < 0 || !Number.isSafeInteger(size)) throw new Error('git answered something else than a blob');
    contents.push(output.subarray(line + 1, line + 1 + size));
    at = line + 1 + size + 1;
  }
  return contents;
}

/** @throws Failure E015 when it wrote too large a file, E009 with git's own words else */
async function success(child: ChildProcessByStdio<Writable, Readable, Readable>): Promise<void> {
  const [complaint, [code]] = await Promise.all([
    buffer(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  if (code === 0) return;
  const said = complaint.toString();
  if (said.includes('File too large')) throw new Failure('E015', 'the repository is larger than allowed');
  if (/No space left|Disk quota/.test(said)) throw new Failure('E015', 'no space is left for the workspace');
  throw new Failure('E009', `the repository cannot be cloned: ${essence(said)}`);
}

/** The last thing that git says is wrong, fit to be shown. */
function essence(said: string): string {
  const lines = said.split('\n').filter((line) => MARK.test(line));
  const line = (lines.at(-1) ?? 'git gave no reason').replace(MARK, '');
  return line.replace(/[^ -~]/g, '?').slice(0, COMPLAINT_MAX);
}
