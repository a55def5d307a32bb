/** The chart: what it renders is what Kubernetes takes and what was promised; values that cannot work are refused. */
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IJob } from 'kubernetes-models/batch/v1/Job';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { IContainer } from 'kubernetes-models/v1/Container';
import { parse } from 'yaml';
import { VERSION } from '../../src/version.js';
import { describeUnless } from '../support/cases.js';
import { type Chart, type Manifest, missingForCharts, openChart } from '../support/helm/chart.js';
import { problemsOf } from '../support/helm/manifests.js';
import { isSetting } from '../support/settings.js';

const EXAMPLES = readdirSync('helm/caisson/ci').map((name) => `helm/caisson/ci/${name}`);
const [SQLITE, POSTGRES] = ['helm/caisson/ci/sqlite-values.yaml', 'helm/caisson/ci/postgres-values.yaml'];
const SCHEMA = 'helm/caisson/values.schema.json';

const read = (path: string) => readFileSync(path, 'utf8');

describeUnless(missingForCharts())('the chart', () => {
  let chart: Chart;
  beforeAll(() => (chart = openChart()));
  afterAll(() => chart.clear());

  const find = (manifests: Manifest[], kind: string, name: string): Manifest => {
    const found = manifests.find((it) => it.kind === kind && it.metadata.name === name);
    if (found === undefined)
      throw new Error(`no ${kind} ${name} in ${manifests.map((it) => it.kind).join()}`);
    return found;
  };
  const kinds = (manifests: Manifest[]) => new Set(manifests.map((it) => it.kind));
  const containersOf = (manifests: Manifest[]): IContainer[] =>
    manifests.flatMap((it) =>
      'Deployment,DaemonSet,Job'.includes(it.kind)
        ? ((it as IDeployment).spec?.template.spec?.containers ?? [])
        : [],
    );
  const settingsOf = (container: IContainer | undefined) =>
    Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));

  it('would be told of a field that Kubernetes does not know, and of one with a wrong value', async () => {
    const [deployment] = (await chart.render(SQLITE)).filter((it) => it.kind === 'Deployment');
    const pod = (deployment as IDeployment).spec!.template.spec!;
    expect(problemsOf(deployment!)).toEqual([]);
    Object.assign(pod.containers[0]!.securityContext!, { readOnlyRootFileSystem: true });
    expect(problemsOf(deployment!)).toEqual([
      'spec.template.spec.containers.0.securityContext.readOnlyRootFileSystem is no field of the API',
    ]);
    Object.assign(pod, { hostUsers: 'false' });
    expect(problemsOf(deployment!)).toEqual([expect.stringContaining('hostUsers')]);
  });

  describe.each(EXAMPLES)('with %s', (values) => {
    let manifests: Manifest[];
    beforeAll(async () => (manifests = await chart.render(values)));

    it('renders manifests that the schemas of the Kubernetes API accept, every field of them', () => {
      expect(manifests.length).toBeGreaterThan(5);
      for (const it of manifests)
        expect([it.kind, it.metadata.name, problemsOf(it)]).toEqual([it.kind, it.metadata.name, []]);
    });

    it('gives no two of them one name, and selects the pods that it makes', () => {
      const names = manifests.map((it) => `${it.kind}/${it.metadata.name}`);
      expect(new Set(names).size).toBe(names.length);
      for (const it of manifests.filter(({ kind }) => ['Deployment', 'DaemonSet'].includes(kind))) {
        const { selector, template } = (it as IDeployment).spec!;
        expect(template.metadata?.labels).toMatchObject(selector.matchLabels!);
      }
    });

    it('sets only what is a setting, and each once', () => {
      for (const { name, env = [] } of containersOf(manifests).filter((it) => it.name !== 'install')) {
        expect([name, env.map((it) => it.name).filter((it) => !isSetting(it))]).toEqual([name, []]);
        expect(new Set(env.map((it) => it.name)).size).toBe(env.length);
      }
    });

    it('holds no secret, only references to some', () => {
      expect(kinds(manifests)).not.toContain('Secret');
      for (const container of containersOf(manifests))
        for (const { name, value, valueFrom } of container.env ?? [])
          if (/KEY|URL$|REDACT/.test(name))
            expect([name, value, valueFrom]).toEqual([
              name,
              expect.stringMatching('^/run/secrets/'),
              undefined,
            ]);
    });

    it('gives every server what bubblewrap needs, and nothing more', () => {
      const servers = manifests.filter((it) => it.kind === 'Deployment') as IDeployment[];
      for (const { spec } of servers) {
        expect(spec?.template.spec).toMatchObject({
          hostUsers: false,
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: 10001 },
        });
        expect(spec?.template.spec?.containers[0]?.securityContext).toMatchObject({
          procMount: 'Unmasked',
          seccompProfile: { type: 'Localhost', localhostProfile: 'profiles/caisson.json' },
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    });

    it('leaves every server more time to end than it takes: hearing of it, its grace, and five seconds to KILL', () => {
      for (const { spec } of manifests.filter((it) => it.kind === 'Deployment') as IDeployment[]) {
        const pod = spec!.template.spec!;
        const grace = Number(settingsOf(pod.containers[0]).SHUTDOWN_GRACE);
        const sleep = pod.containers[0]!.lifecycle!.preStop!.sleep!.seconds;
        expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(sleep + grace + 5);
      }
    });

    it('has values that the schema accepts, with the defaults and without', () => {
      const validate = new Ajv({ allowUnionTypes: true }).compile(JSON.parse(read(SCHEMA)) as object);
      for (const it of [values, 'helm/caisson/values.yaml']) {
        validate(parse(read(it)));
        expect(validate.errors).toBeNull();
      }
    });
  });

  describe('on SQLite', () => {
    it('is one pod that does everything, replaced and never doubled, with a volume of its own', async () => {
      const manifests = await chart.render(SQLITE);
      const deployments = manifests.filter((it) => it.kind === 'Deployment') as IDeployment[];
      expect(deployments).toHaveLength(1);
      expect(deployments[0]!.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
      expect(settingsOf(containersOf(manifests)[0])).toMatchObject({
        CAISSON_ROLE: 'all',
        CAISSON_DATA: '/var/lib/caisson',
      });
      expect(find(manifests, 'PersistentVolumeClaim', 'demo-caisson-workspaces').spec).toMatchObject({
        accessModes: ['ReadWriteOnce'],
      });
      expect(deployments[0]!.spec?.template.spec?.volumes).toContainEqual({
        name: 'data',
        persistentVolumeClaim: { claimName: 'demo-caisson-workspaces' },
      });
      expect(kinds(manifests)).not.toContain('Job');
    });

    it.each<[string, object]>([
      ['api.replicas is 2', { api: { replicas: 2 } }],
      ['api.autoscaling', { api: { autoscaling: { enabled: true } } }],
      ['worker', { worker: { replicas: 1 } }],
      ['worker', { worker: { autoscaling: { enabled: true } } }],
    ])('refuses more than one process, and says why (%s)', async (words, values) => {
      await expect(chart.render(SQLITE, values)).rejects.toThrow(words);
      await expect(chart.render(SQLITE, values)).rejects.toThrow(/SQLite .*database.kind: postgres/);
    });
  });

  it.each<[string, string, object]>([
    [
      'a missing model key',
      'secrets.ANTHROPIC_API_KEY.name',
      { secrets: { ANTHROPIC_API_KEY: { name: '' } } },
    ],
    [
      'PostgreSQL without its address',
      'secrets.DATABASE_URL.name',
      { secrets: { DATABASE_URL: { name: '' } } },
    ],
    ['PostgreSQL without Redis', 'secrets.REDIS_URL.name', { secrets: { REDIS_URL: { name: '' } } }],
    ['replicas that share no files', 'persistence.enabled', { persistence: { enabled: false } }],
    [
      'a network policy that cuts off the database',
      'networkPolicy.database.to',
      { networkPolicy: { database: { to: [] } } },
    ],
    ['an unmasked /proc without a user namespace', 'sandbox.procMount', { sandbox: { hostUsers: true } }],
  ])('refuses %s', async (_what, words, values) => {
    await expect(chart.render(POSTGRES, values)).rejects.toThrow(words);
  });

  describe('on PostgreSQL', () => {
    let manifests: Manifest[];
    beforeAll(async () => (manifests = await chart.render(POSTGRES)));

    it('has api and worker replicas that share the files and scale by what they are bound by', async () => {
      for (const role of ['api', 'worker']) {
        const { spec } = find(manifests, 'Deployment', `demo-caisson-${role}`) as IDeployment;
        expect(spec).not.toHaveProperty('replicas');
        expect(settingsOf(spec?.template.spec?.containers[0])).toMatchObject({
          CAISSON_ROLE: role,
          CLAUDE_CODE_WORKSPACE: '/srv/workspaces',
          WORKSPACE_STORAGE: 'shared',
          DATABASE_URL_FILE: '/run/secrets/caisson/DATABASE_URL',
        });
        expect(spec?.template.spec?.volumes).toContainEqual({ name: 'data', emptyDir: { sizeLimit: '2Gi' } });
        expect(spec?.template.spec?.topologySpreadConstraints).toHaveLength(2);
      }
      expect(find(manifests, 'PersistentVolumeClaim', 'demo-caisson-workspaces').spec).toMatchObject({
        accessModes: ['ReadWriteMany'],
      });
      find(manifests, 'HorizontalPodAutoscaler', 'demo-caisson-api');
      find(manifests, 'ScaledObject', 'demo-caisson-worker');
      find(manifests, 'PodDisruptionBudget', 'demo-caisson-worker');
      const external = await chart.render('helm/caisson/ci/external-values.yaml');
      expect((find(external, 'Deployment', 'agents-api') as IDeployment).spec?.replicas).toBe(3);
      find(external, 'HorizontalPodAutoscaler', 'agents-worker');
      expect(kinds(external)).not.toContain('ScaledObject');
    });

    it('needs no volume where the files are in a bucket, and has room for copies in each pod', async () => {
      const inBucket = await chart.render(POSTGRES, {
        objectStorage: { url: 's3://files/caisson', endpoint: 'http://minio:9000' },
        persistence: { enabled: false },
        networkPolicy: { objectStorage: { to: [{ podSelector: { matchLabels: { app: 'minio' } } }] } },
        secrets: { AWS_ACCESS_KEY_ID: { name: 'bucket' }, AWS_SECRET_ACCESS_KEY: { name: 'bucket' } },
      });
      expect(kinds(inBucket)).not.toContain('PersistentVolumeClaim');
      for (const role of ['api', 'worker']) {
        const { spec } = find(inBucket, 'Deployment', `demo-caisson-${role}`) as IDeployment;
        const settings = settingsOf(spec?.template.spec?.containers[0]);
        expect(settings).toMatchObject({
          WORKSPACE_STORAGE: 's3://files/caisson',
          S3_ENDPOINT: 'http://minio:9000',
          AWS_SECRET_ACCESS_KEY_FILE: '/run/secrets/caisson/AWS_SECRET_ACCESS_KEY',
        });
        expect(settings).not.toHaveProperty('CLAUDE_CODE_WORKSPACE');
        const volumes = spec?.template.spec?.volumes ?? [];
        expect(volumes).toContainEqual({ name: 'data', emptyDir: { sizeLimit: '30Gi' } });
        expect(volumes.filter((it) => it.persistentVolumeClaim)).toEqual([]);
        const policy = find(inBucket, 'NetworkPolicy', `demo-caisson-${role}`) as INetworkPolicy;
        expect(policy.spec?.egress).toContainEqual({
          ports: [{ port: 9000 }],
          to: [{ podSelector: { matchLabels: { app: 'minio' } } }],
        });
      }
      await expect(chart.render(SQLITE, { objectStorage: { url: 's3://files' } })).rejects.toThrow(
        'objectStorage.url',
      );
    });

    it('migrates before anything else of an install or update', () => {
      const job = find(manifests, 'Job', 'demo-caisson-migration') as IJob;
      expect(job.metadata?.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
      const container = job.spec?.template.spec?.containers[0];
      expect(container?.args).toEqual(['node', 'dist/main.js', 'migrate']);
      expect(container?.securityContext?.seccompProfile).toEqual({ type: 'RuntimeDefault' });
      // It comes before all other resources of an install: it may need none of them.
      expect(job.spec?.template.spec?.serviceAccountName).toBe('default');
      expect(job.spec?.template.spec?.volumes?.filter((it) => it.persistentVolumeClaim)).toEqual([]);
    });

    it('lets a worker reach PostgreSQL, Redis, names and the public port 443, and be reached by Prometheus alone', () => {
      const { spec } = find(manifests, 'NetworkPolicy', 'demo-caisson-worker') as INetworkPolicy;
      expect(spec?.policyTypes).toEqual(['Ingress', 'Egress']);
      expect(spec?.ingress).toEqual([
        {
          ports: [{ port: 'http' }],
          from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        },
      ]);
      const [dns, database, redis, model, ...more] = spec?.egress ?? [];
      expect(dns?.ports).toEqual([
        { port: 53, protocol: 'UDP' },
        { port: 53, protocol: 'TCP' },
      ]);
      expect(database).toEqual({
        ports: [{ port: 5432 }],
        to: [{ podSelector: { matchLabels: { 'cnpg.io/cluster': 'caisson' } } }],
      });
      expect(redis).toEqual({ ports: [{ port: 6380 }], to: [{ ipBlock: { cidr: '10.20.0.5/32' } }] });
      expect(model?.ports).toEqual([{ port: 443 }]);
      expect(model?.to?.[0]?.ipBlock?.except).toEqual(
        expect.arrayContaining(['10.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16']),
      );
      expect(more).toEqual([]);
    });

    it('does not give the first admin key to workers and the migration', () => {
      const given = (name: string) =>
        containersOf(manifests.filter((it) => it.metadata.name === name))[0]?.env?.map((it) => it.name);
      expect(given('demo-caisson-api')).toContain('BOOTSTRAP_API_KEY_FILE');
      expect(given('demo-caisson-worker')).not.toContain('BOOTSTRAP_API_KEY_FILE');
      expect(given('demo-caisson-migration')).not.toContain('BOOTSTRAP_API_KEY_FILE');
    });

    it('does not lead from outside to the metrics', () => {
      const ingress = find(manifests, 'Ingress', 'demo-caisson');
      const paths = [...JSON.stringify(ingress.spec).matchAll(/"path":"([^"]*)"/g)].map(([, path]) => path);
      expect(paths).toEqual(['/api', '/socket.io', '/docs', '/docs-json']);
    });

    it('carries the alerts, the dashboard and the seccomp profile that compose uses', () => {
      const rule = find(manifests, 'PrometheusRule', 'demo-caisson');
      const runbooks = JSON.stringify(rule.spec).replaceAll('https://example.org/caisson/', '');
      expect(JSON.parse(runbooks)).toEqual(parse(read('helm/caisson/files/alerts.yml')));
      const data = (name: string) =>
        JSON.parse(Object.values(find(manifests, 'ConfigMap', name).data ?? {})[0]!) as unknown;
      expect(data('demo-caisson-dashboard')).toEqual(JSON.parse(read('helm/caisson/files/dashboard.json')));
      expect(data('demo-caisson-seccomp')).toEqual(JSON.parse(read('helm/caisson/files/seccomp.json')));
    });
  });

  it('names no profile where none of the node is used', async () => {
    const manifests = await chart.render(SQLITE, { sandbox: { seccompProfile: { type: 'Unconfined' } } });
    expect(containersOf(manifests)[0]?.securityContext?.seccompProfile).toEqual({ type: 'Unconfined' });
  });
});

it('names the version that this is', () => {
  expect(parse(read('helm/caisson/Chart.yaml'))).toMatchObject({ version: VERSION, appVersion: VERSION });
  expect(read('docker-compose.yml')).toContain(`image: caisson:${VERSION}\n`);
  expect(read('Dockerfile')).toContain(`ARG VERSION=${VERSION}\n`);
});

describe('the schema of the values', () => {
  const validate = new Ajv({ allowUnionTypes: true }).compile(JSON.parse(read(SCHEMA)) as object);

  it.each<[string, object]>([
    ['a value that is none', { api: { replica: 2 } }],
    ['a secret among the settings', { config: { DATABASE_URL: 'postgres://user:password@host/db' } }],
    ['a secret in clear', { secrets: { REDIS_URL: 'redis://:password@host' } }],
    ['a setting that the chart decides', { worker: { config: { CAISSON_ROLE: 'api' } } }],
    ['a number that YAML would write as 1e+06', { config: { QUEUE_MAX: 1_000_000 } }],
    ['the metrics among the paths of the ingress', { ingress: { paths: ['/api', '/metrics'] } }],
    ['another database', { database: { kind: 'mysql' } }],
    ['no replica', { api: { replicas: 0 } }],
  ])('refuses %s', (_what, values) => {
    expect(validate(values)).toBe(false);
  });
});
