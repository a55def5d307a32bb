/** The chart as Helm renders it, by a small program on the template engine that Helm uses (render.go). */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { missingPrograms } from '../debian.js';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: object;
  data?: Record<string, string>;
}

export interface Chart {
  /** @throws Error with Helm's message when a template refuses the values */
  render(...values: (string | object)[]): Promise<Manifest[]>;
  clear(): void;
}

const CHART = resolve('helm/caisson');

/** Why the chart cannot be rendered here; undefined when it can. */
export const missingForCharts = (): string | undefined =>
  missingPrograms({ go: ['golang-go', 'golang-github-masterminds-sprig-dev', 'golang-k8s-sigs-yaml-dev'] });

/** Compiles the renderer, which takes some seconds, once. */
export function openChart(): Chart {
  const directory = mkdtempSync(join(tmpdir(), 'caisson-helm-'));
  const program = join(directory, 'render');
  const { status, stderr } = spawnSync(
    'go',
    ['build', '-o', program, resolve('test/support/helm/render.go')],
    {
      // The Go packages of Debian are sources below this path; nothing is fetched.
      env: {
        ...process.env,
        GO111MODULE: 'off',
        GOPATH: '/usr/share/gocode',
        GOCACHE: join(directory, 'cache'),
      },
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`the renderer does not compile:\n${stderr}`);
  let files = 0;

  return {
    async render(...values) {
      const paths = await Promise.all(
        values.map(async (it) => {
          if (typeof it === 'string') return it;
          const path = join(directory, `values-${++files}.yaml`);
          await writeFile(path, stringify(it));
          return path;
        }),
      );
      const run = spawnSync(program, [CHART, 'demo', 'agents', ...paths], { encoding: 'utf8' });
      if (run.status !== 0) throw new Error(run.stderr);
      const outputs = Object.entries(JSON.parse(run.stdout) as Record<string, string>);
      return outputs
        .filter(([name]) => name.endsWith('.yaml'))
        .flatMap(([name, text]) => manifestsOf(name, text));
    },
    clear: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** @throws Error for what is no YAML, or has a key twice */
function manifestsOf(name: string, text: string): Manifest[] {
  return parseAllDocuments(text, { version: '1.1', strict: true, uniqueKeys: true })
    .map((document) => {
      const problem = document.errors[0] ?? document.warnings[0];
      if (problem !== undefined) throw new Error(`${name}: ${problem.message}`);
      return document.toJS() as Manifest | null;
    })
    .filter((it) => it !== null);
}
