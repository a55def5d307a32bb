/** docker-compose.yml and what it mounts: a real nginx before two replicas, alerts and a dashboard that name what is served. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument, stringify } from 'yaml';
import { Config } from '../../src/config/config.js';
import { describeUnless } from '../support/cases.js';
import { missingPrograms } from '../support/debian.js';
import { type EdgeApp, openEdgeApp } from '../support/edge-app.js';
import { type Nginx, startNginx } from '../support/nginx.js';
import { until } from '../support/processes.js';
import { isSecret, isSetting } from '../support/settings.js';

interface Service {
  image: string;
  build?: object;
  environment?: Record<string, string>;
  secrets?: string[];
  volumes?: string[];
  ports?: string[];
  networks: string[];
  security_opt?: string[];
  cap_drop?: string[];
  read_only?: boolean;
  stop_grace_period?: string;
  mem_limit?: string;
  pids_limit?: number;
}
interface Compose {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
  volumes: Record<string, object>;
  networks: Record<string, { internal?: boolean }>;
}
interface Rule {
  alert: string;
  expr: string;
  annotations: { summary: string; runbook_url: string };
}

const read = (path: string) => readFileSync(path, 'utf8');

/** @throws Error for what is no YAML, or has a key twice */
function yaml(path: string): unknown {
  const document = parseDocument(read(path), { merge: true, strict: true });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) throw new Error(`${path}: ${problem.message}`);
  return document.toJS();
}

const alerts = () =>
  (yaml('helm/caisson/files/alerts.yml') as { groups: { rules: Rule[] }[] }).groups.flatMap((it) => it.rules);

interface Panel {
  title: string;
  targets?: { expr: string }[];
}
const dashboardQueries = () => {
  const { panels } = JSON.parse(read('helm/caisson/files/dashboard.json')) as { panels: Panel[] };
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
};

/** What the files of the secrets may hold. */
const SECRETS: Record<string, string> = {
  DATABASE_URL: 'postgres://caisson:password@postgres/caisson',
  REDIS_URL: 'redis://:password@redis',
};

describe('docker-compose.yml', () => {
  const compose = yaml('docker-compose.yml') as Compose;
  const servers = Object.entries(compose.services).filter(([, it]) => it.image.startsWith('caisson:'));

  it('brings up two api and two worker replicas with all that they need', () => {
    expect(Object.keys(compose.services).sort()).toEqual([
      'api-1',
      'api-2',
      'grafana',
      'migration',
      'nginx',
      'postgres',
      'prometheus',
      'redis',
      'worker-1',
      'worker-2',
    ]);
    const roles = servers.map(([name, it]) => [name.replace(/-\d$/, ''), it.environment?.CAISSON_ROLE]);
    expect(roles.filter(([name]) => name !== 'migration')).toEqual([
      ['api', 'api'],
      ['api', 'api'],
      ['worker', 'worker'],
      ['worker', 'worker'],
    ]);
  });

  it('sets only settings, with values that the server takes', () => {
    for (const [name, { environment = {} }] of servers) {
      expect([name, Object.keys(environment).filter((it) => !isSetting(it))]).toEqual([name, []]);
      const given = Object.entries(environment).map(([it, value]) =>
        it.endsWith('_FILE') ? [it.slice(0, -5), SECRETS[it.slice(0, -5)] ?? 'x'.repeat(40)] : [it, value],
      );
      expect(() => Config.from(Object.fromEntries(given) as NodeJS.ProcessEnv)).not.toThrow();
    }
  });

  it('holds no secret in clear, and gives each service only its own', () => {
    for (const [name, { environment = {}, secrets = [] }] of Object.entries(compose.services)) {
      for (const [variable, value] of Object.entries(environment)) {
        if (isSecret(variable) || /PASSWORD$|SECRET|TOKEN$/.test(variable))
          throw new Error(`${name}: ${variable}`);
        if (!variable.endsWith('_FILE')) continue;
        expect(secrets).toContain(value.replace('/run/secrets/', ''));
      }
    }
    expect(compose.services['worker-1']?.secrets).not.toContain('bootstrap_api_key');
    expect(read('.gitignore').split('\n')).toContain('deploy/secrets/');
  });

  it('pins every image that it does not build', () => {
    for (const { image } of Object.values(compose.services))
      expect(image).toMatch(/:v?\d+\.\d+\.\d+(-[a-z]+)?$|:\d+\.\d+(-[a-z]+)?$/);
  });

  it('mounts files that are there, uses what it declares, and publishes on loopback alone', () => {
    for (const { volumes = [], ports = [], networks, secrets = [] } of Object.values(compose.services)) {
      for (const source of volumes.map((it) => it.split(':')[0]!))
        expect([source, source.startsWith('./') ? existsSync(source) : source in compose.volumes]).toEqual([
          source,
          true,
        ]);
      for (const it of ports) expect(it).toMatch(/^127\.0\.0\.1:/);
      for (const it of networks) expect(compose.networks).toHaveProperty(it);
      for (const it of secrets) expect(compose.secrets).toHaveProperty(it);
    }
    for (const name of ['postgres', 'redis', 'prometheus']) {
      expect(compose.services[name]?.networks).toEqual(['inside']);
      expect(compose.networks.inside?.internal).toBe(true);
    }
  });

  it('gives the servers what bubblewrap needs and nothing more, and time to end', () => {
    for (const [, it] of servers) {
      expect(it.cap_drop).toEqual(['ALL']);
      expect(it.security_opt).toEqual([
        'no-new-privileges',
        'seccomp=helm/caisson/files/seccomp.json',
        'systempaths=unconfined',
      ]);
      expect(it).toMatchObject({ read_only: true, mem_limit: '8g', pids_limit: 2048 });
      expect(parseInt(it.stop_grace_period!)).toBeGreaterThanOrEqual(
        Number(it.environment!.SHUTDOWN_GRACE) + 5,
      );
    }
  });

  it('finds all its secrets made by deploy/make-secrets.sh, each once, and the connections belong to them', () => {
    const directory = join(mkdtempSync(join(tmpdir(), 'caisson-secrets-')), 'secrets');
    const make = (env: NodeJS.ProcessEnv) =>
      spawnSync('sh', ['deploy/make-secrets.sh', directory], {
        env: { PATH: process.env.PATH, ...env },
        encoding: 'utf8',
      });
    expect(make({})).toMatchObject({ status: 1, stderr: expect.stringContaining('anthropic_api_key') });
    const first = read(join(directory, 'database_url'));
    expect(make({ ANTHROPIC_API_KEY: 'the-model-key' }).status).toBe(0);
    const made = Object.fromEntries(
      readdirSync(directory).map((it) => [it, read(join(directory, it)).trim()]),
    );
    expect(Object.keys(made).sort()).toEqual(Object.keys(compose.secrets).sort());
    expect(made).toMatchObject({
      anthropic_api_key: 'the-model-key',
      database_url: `postgres://caisson:${made.postgres_password}@postgres:5432/caisson`,
      redis_url: `redis://:${made.redis_conf!.replace('requirepass ', '')}@redis:6379`,
    });
    expect(read(join(directory, 'database_url'))).toBe(first);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const { BOOTSTRAP_API_KEY } = Config.from({ BOOTSTRAP_API_KEY: made.bootstrap_api_key }).values;
    expect(BOOTSTRAP_API_KEY).toBe(made.bootstrap_api_key);
    rmSync(join(directory, '..'), { recursive: true });
  });
});

describe('what watches it', () => {
  let app: EdgeApp;
  let served: Set<string>;
  beforeAll(async () => {
    app = await openEdgeApp({ METRICS_PUBLIC: 'true' });
    const text = await (await app.call('/metrics')).text();
    served = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!));
  });
  afterAll(() => app.close());

  /** Metrics of the server that a query names; a histogram has three series. */
  const metricsIn = (query: string) =>
    [...query.matchAll(/\b(?:claude_code|caisson|nodejs|process)_[a-z0-9_]+/g)].map(([name]) =>
      served.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ''),
    );

  it('asks only for metrics that the server serves (alerts)', () => {
    for (const { alert, expr } of alerts().filter((it) => it.alert !== 'CaissonDown')) {
      expect([alert, metricsIn(expr)]).not.toEqual([alert, []]);
      for (const name of metricsIn(expr))
        expect([alert, name, served.has(name)]).toEqual([alert, name, true]);
    }
  });

  it('asks only for metrics that the server serves (dashboard)', () => {
    const queries = dashboardQueries();
    expect(queries.length).toBeGreaterThan(20);
    for (const { title, expr } of queries)
      for (const name of metricsIn(expr))
        expect([title, name, served.has(name)]).toEqual([title, name, true]);
  });

  it('asks only for metrics that the server serves (scaling of workers)', () => {
    const query = /query: (.*)/.exec(read('helm/caisson/templates/autoscaling.yaml'))![1]!;
    expect(metricsIn(query)).toEqual(['caisson_queue_depth']);
    expect(served).toContain('caisson_queue_depth');
  });

  it('has a runbook for each alert, where the alert says', () => {
    const headings = [...read('docs/OPERATIONS.md').matchAll(/^### (.*)$/gm)].map(([, heading]) => heading!);
    expect(alerts().map((it) => it.alert)).toEqual(headings.filter((it) => it.startsWith('Caisson')));
    for (const { alert, annotations } of alerts())
      expect(annotations.runbook_url).toBe(`docs/OPERATIONS.md#${alert.toLowerCase()}`);
  });

  it('scrapes every replica', () => {
    const { scrape_configs: jobs } = yaml('deploy/prometheus/prometheus.yml') as {
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    const targets = jobs.find((it) => it.job_name === 'caisson')?.static_configs.flatMap((it) => it.targets);
    expect(targets).toEqual(['api-1:3000', 'api-2:3000', 'worker-1:3000', 'worker-2:3000']);
  });

  describeUnless(missingPrograms({ promtool: ['prometheus'] }))('to promtool', () => {
    const promtool = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
      expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
    };

    it('the alerts fire when they should', () => {
      promtool('test', 'rules', 'deploy/prometheus/alerts.test.yml');
    });

    it('every query of the dashboard is one', () => {
      const directory = mkdtempSync(join(tmpdir(), 'caisson-queries-'));
      const rules = dashboardQueries().map(({ expr }, index) => ({
        record: `query:${index}`,
        expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
      }));
      const file = join(directory, 'rules.yml');
      writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
      promtool('check', 'rules', file);
      rmSync(directory, { recursive: true });
    });
  });
});

describeUnless(missingPrograms({ nginx: ['nginx-light'] }))('nginx before two replicas', () => {
  interface Seen {
    method: string;
    url: string;
    headers: IncomingMessage['headers'];
  }
  interface Replica {
    at: string;
    seen: Seen[];
    answer: (request: IncomingMessage, response: ServerResponse) => void;
    server: Server;
  }
  const replicas: Replica[] = [];
  let nginx: Nginx;

  async function openReplica(): Promise<Replica> {
    const server = createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      replica.seen.push({ method, url, headers });
      replica.answer(request, response);
    });
    const replica: Replica = {
      at: '',
      seen: [],
      answer: (_request, response) => response.end('ok'),
      server,
    };
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    replica.at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    replicas.push(replica);
    return replica;
  }
  const seen = () => replicas.flatMap((it) => it.seen);
  const both = (answer: Replica['answer']) => {
    for (const it of replicas) it.answer = answer;
  };

  beforeEach(async () => {
    const [one, other] = [await openReplica(), await openReplica()];
    nginx = await startNginx([one.at, other.at]);
  });
  afterEach(async () => {
    await nginx.stop();
    for (const { server } of replicas.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('overwrites what a client says about where it comes from', async () => {
    await fetch(`${nginx.url}/api/commands`, {
      headers: {
        'x-forwarded-for': '1.2.3.4',
        'x-forwarded-host': 'evil.example',
        forwarded: 'for=1.2.3.4',
      },
    });
    expect(seen()[0]?.headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      host: `127.0.0.1:${nginx.port}`,
    });
    expect(seen()[0]?.headers).not.toHaveProperty('forwarded');
    expect(seen()[0]?.headers).not.toHaveProperty('x-forwarded-host');
  });

  it('passes each event on as it comes', async () => {
    const streams: ServerResponse[] = [];
    both((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: first\n\n');
      streams.push(response);
    });
    const response = await fetch(`${nginx.url}/api/executions/1/events`);
    const reader = response.body!.getReader();
    const next = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await next()).toBe('data: first\n\n');
    streams[0]!.write('data: second\n\n');
    expect(await next()).toBe('data: second\n\n');
    streams[0]!.end();
    expect((await reader.read()).done).toBe(true);
  });

  it('passes an upload on as it comes', async () => {
    const firsts: string[] = [];
    both((request, response) => {
      request.once('data', (chunk: Buffer) => {
        firsts.push(chunk.toString());
        request.resume().once('end', () => response.end('taken'));
      });
    });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const answer = fetch(`${nginx.url}/api/projects/demo/upload`, {
      method: 'POST',
      body: readable,
      duplex: 'half',
    });
    await writer.write(Buffer.from('the beginning'));
    await until(() => firsts.length > 0);
    expect(firsts).toEqual(['the beginning']);
    await writer.close();
    expect(await (await answer).text()).toBe('taken');
  });

  it('asks the other replica when one cannot be reached, also for a POST', async () => {
    const [gone, there] = replicas as [Replica, Replica];
    gone.server.close();
    await once(gone.server, 'close');
    for (let i = 0; i < 6; i++)
      expect((await fetch(`${nginx.url}/api/executions`, { method: 'POST', body: '{}' })).status).toBe(200);
    expect(there.seen).toHaveLength(6);
  });

  it('never sends a POST twice, whatever became of it', async () => {
    both((request) => request.socket.destroy());
    expect((await fetch(`${nginx.url}/api/executions`, { method: 'POST', body: '{}' })).status).toBe(502);
    expect(seen()).toHaveLength(1);
    expect((await fetch(`${nginx.url}/api/executions`)).status).toBe(502);
    expect(seen()).toHaveLength(3);
  });

  it('keeps the requests of one socket.io client at one replica', async () => {
    for (let i = 0; i < 8; i++) await fetch(`${nginx.url}/socket.io/?EIO=4&transport=polling&t=${i}`);
    expect(replicas.map((it) => it.seen.length).sort()).toEqual([0, 8]);
  });

  it.each(['/metrics', '/metrics/', '/metrics?x', '/%6detrics', '/health/ready'])(
    'does not lead outsiders to %s',
    async (path) => {
      expect((await fetch(nginx.url + path)).status).toBe(404);
      expect(seen()).toEqual([]);
    },
  );
});
