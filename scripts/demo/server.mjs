/** A server of the demo's own: on a free port, with a temporary data directory that goes with it. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { NODE, SERVER } from '../setup/paths.mjs';
import { SetupError } from '../setup/report.mjs';

/** @typedef {Awaited<ReturnType<typeof startServer>>} DemoServer */

/** @throws SetupError when the server does not come up */
export async function startServer() {
  const directory = mkdtempSync(join(tmpdir(), 'caisson-demo-'));
  chmodSync(directory, 0o711); // the sandboxes have user ids of their own and must pass it
  const secret = randomBytes(32).toString('hex');
  const server = spawn(NODE, SERVER, {
    env: { ...process.env, PORT: '0', CAISSON_DATA: directory, BOOTSTRAP_API_KEY: secret, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await addressOf(server);
  return {
    /** @param {string} method @param {string} path @param {string | Uint8Array} [body] @param {object} [headers] */
    call: (method, path, body, headers) =>
      fetch(url + path, { method, body, headers: { authorization: `Bearer ${secret}`, ...headers } }),
    eventsOf,
    stop: async () => {
      const exited = once(server, 'exit');
      server.kill('SIGTERM');
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** @param {import('node:child_process').ChildProcess} server @returns {Promise<string>} */
async function addressOf(server) {
  if (server.stdout === null) throw new SetupError('the server has no output');
  for await (const line of createInterface({ input: server.stdout })) {
    const url = /listens on (http:\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    server.stdout.resume();
    return url;
  }
  throw new SetupError('the server did not start');
}

/**
 * One numbered fact of an execution, as the API documents it.
 * @typedef {{ seq: number, type: string, data: Record<string, unknown> & { response?: DemoResponse } }} DemoEvent
 * @typedef {{ success: boolean, result?: unknown, error?: unknown, metadata: { executionId: string } }} DemoResponse
 */

/** @param {string} json @returns {DemoEvent} */
const parse = (json) => JSON.parse(json);

/**
 * The events of a text/event-stream answer: each is one `data:` line of JSON.
 * @param {Response} answer
 */
async function* eventsOf(answer) {
  if (answer.body === null || !answer.ok)
    throw new SetupError(`refused: ${answer.status} ${await answer.text()}`);
  let rest = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) yield parse(line.slice('data: '.length));
  }
}
