/** A real nginx with the configuration that is deployed: only its addresses and its directory are the test's. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './services/process.js';
import { until } from './processes.js';

export interface Nginx {
  url: string;
  port: number;
  stop(): Promise<void>;
}

/** @param upstreams `host:port` of the two api replicas */
export async function startNginx(upstreams: [string, string]): Promise<Nginx> {
  const directory = mkdtempSync(join(tmpdir(), 'caisson-nginx-'));
  // nginx started by root becomes another user, who must get in.
  chmodSync(directory, 0o755);
  const port = await freePort();
  const configuration = readFileSync('deploy/nginx/nginx.conf', 'utf8')
    .replaceAll('api-1:3000', upstreams[0])
    .replaceAll('api-2:3000', upstreams[1])
    .replaceAll('/tmp/', `${directory}/`)
    .replaceAll('/dev/stdout', join(directory, 'access.log'))
    .replace('listen 8080', `listen 127.0.0.1:${port}`);
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, configuration);
  const options = ['-c', file, '-p', directory, '-e', 'stderr'];
  const env = { PATH: `${process.env.PATH}:/usr/sbin` };
  const check = spawnSync('nginx', ['-t', ...options], { encoding: 'utf8', env });
  if (check.status !== 0 || check.stderr.includes('[warn]')) throw new Error(check.stderr);
  let output = '';
  const nginx: ChildProcess = spawn('nginx', [...options, '-g', 'daemon off;'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [nginx.stdout, nginx.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const url = `http://127.0.0.1:${port}`;
  await until(async () => {
    if (nginx.exitCode !== null) throw new Error(output);
    return (await fetch(`${url}/healthz`).catch(() => undefined))?.status === 204;
  });
  return {
    url,
    port,
    async stop() {
      const gone = once(nginx, 'exit');
      nginx.kill('SIGTERM');
      await gone;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
