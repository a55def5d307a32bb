/** One container of the image, with the address of its server, as the image's user and with nothing mounted. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SetupError } from '../setup/report.mjs';

/** Milliseconds for a container to start and its probe to end. */
const PATIENCE_MS = 60_000;

/**
 * @typedef {{ status: number, body: { result?: { files?: { action: string }[] }, error?: { code: string, details?: unknown } } }} Answer
 * @param {string} engine
 * @param {string[]} options
 * @param {string} image
 */
export async function startContainer(engine, options, image) {
  const secret = randomBytes(32).toString('hex');
  const port = await freePort();
  const settings = {
    NODE_ENV: 'development',
    PORT: port,
    HOST: '0.0.0.0',
    BOOTSTRAP_API_KEY: secret,
    LOG_LEVEL: 'warn',
  };
  const env = Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const ports = options.some((it) => it.includes('network')) ? [] : ['-p', `127.0.0.1:${port}:${port}`];
  const id = engineSays(engine, ['run', '-d', ...options, ...ports, ...env, image]);
  const url = `http://127.0.0.1:${port}`;

  /** @param {string} path @param {RequestInit} [init] @returns {Promise<Answer>} */
  const call = async (path, init) => {
    const answer = await fetch(url + path, init);
    return { status: answer.status, body: /** @type {Answer['body']} */ (await answer.json()) };
  };
  return {
    /** The answer of /health/ready once the boot probe has ended. */
    async untilProbed() {
      for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await delay(200)) {
        const ready = await call('/health/ready').catch(() => undefined);
        if (ready !== undefined && !JSON.stringify(ready.body).includes('not ended yet')) return ready;
      }
      // Its standard error too: that is where a server that has crashed says why.
      const { stdout, stderr } = spawnSync(engine, ['logs', id], { encoding: 'utf8' });
      throw new SetupError(`no answer; the container says:\n${stdout}${stderr}`);
    },
    /** One execution that makes a file. */
    generate: () =>
      call('/api/claude-code', {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: JSON.stringify({ action: 'generate', prompt: 'Create hello.txt with a friendly greeting' }),
      }),
    user: () => engineSays(engine, ['exec', id, 'id', '-u']),
    stop: () => engineSays(engine, ['rm', '-f', id]),
  };
}

/** @param {string} engine @param {string[]} args @returns {string} what it printed */
function engineSays(engine, args) {
  const { status, stdout, stderr } = spawnSync(engine, args, { encoding: 'utf8' });
  if (status !== 0) throw new SetupError(`${engine} ${args[0]} failed: ${stderr.trim()}`);
  return stdout.trim();
}

/** @returns {Promise<number>} */
const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
