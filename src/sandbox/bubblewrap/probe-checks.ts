/** The sandbox's promises, each with how a probe's facts show that it holds. Pure: facts in, report out. */
import type { Limiter } from '../limits/limiter.js';
import type { ProbeCheck, ProbeReport, ProbeWarning } from '../sandbox.js';
import { ENVIRONMENT, SHM_BYTES } from './arguments.js';
import { MENDS } from './mends.js';

/** Everything the probe script printed, by the name of the fact. */
export type Facts = ReadonlyMap<string, readonly string[]>;

/** What the facts are compared with. */
export interface Expected {
  /** Links of /proc/self/ns of the server, e.g. `net:[4026531840]`. */
  hostNamespaces: readonly string[];
  tmpBytes: number;
  /** What the probe's model socket answers. */
  modelAnswer: string;
  /** Host paths of server state: none may lie where the sandbox sees the host's files. */
  statePaths: readonly string[];
  /** Of one process. */
  openFiles: number;
  /** Of one file. */
  fileBytes: number;
  limits: {
    means: Limiter['means'];
    /** Whether nothing may run without cgroups. */
    required: boolean;
    /** Why there are no cgroups; undefined when there are. */
    shortfall: string | undefined;
  };
}

interface SandboxPromise {
  name: string;
  mend: string;
  /** Undefined when the promise holds, else the reason why not. */
  broken: (facts: { writable: Facts; readOnly: Facts }, expected: Expected) => string | undefined;
}

const ROOT = new Set([
  'bin',
  'dev',
  'etc',
  'home',
  'lib',
  'lib32',
  'lib64',
  'libx32',
  'opt',
  'proc',
  'run',
  'sbin',
  'tmp',
  'usr',
  'workspace',
]);
const PWD_LIKE = ['PWD', 'OLDPWD', 'SHLVL', '_'];
const KNOWN_VARIABLES = new Set([...Object.keys(ENVIRONMENT), ...PWD_LIKE]);
const WRITABLE = ['/dev/shm', '/home/agent', '/tmp', '/workspace'];

export const PROMISES: readonly SandboxPromise[] = [
  {
    name: 'environment',
    mend: MENDS.defect,
    broken: ({ writable }) => {
      const names = all(writable, 'environ').map((line) => line.split('=')[0] ?? '');
      if (!names.includes('PATH')) return 'no environment was seen at all';
      // Names only: a value may be the secret that leaked.
      return listed(
        'variables that are not the sandbox’s own are visible',
        names.filter((name) => !KNOWN_VARIABLES.has(name)),
      );
    },
  },
  {
    name: 'init',
    mend: MENDS.defect,
    broken: ({ writable }) =>
      differs(all(writable, 'init').join(' '), '/usr/bin/tini -g --', 'process 1 shows'),
  },
  {
    name: 'descriptors',
    mend: MENDS.defect,
    broken: ({ writable }) => differs(all(writable, 'descriptor').join(' '), '0 1 2', 'open descriptors are'),
  },
  {
    name: 'processes',
    mend: MENDS.defect,
    // init, the bridge, and the probe with what it has just started.
    broken: ({ writable }) => {
      const count = Number(one(writable, 'processes'));
      return count >= 1 && count <= 4 ? undefined : `${count} processes are visible`;
    },
  },
  {
    name: 'no-new-privileges',
    mend: MENDS.defect,
    broken: ({ writable }) => status(writable, 'NoNewPrivs', '1'),
  },
  {
    name: 'system-calls',
    mend: MENDS.defect,
    broken: ({ writable }) =>
      // 2: a filter is in force (proc(5)).
      status(writable, 'Seccomp', '2') ??
      differs(one(writable, 'denied-call'), '1', 'a call that must be denied exits with'),
  },
  {
    name: 'capabilities',
    mend: MENDS.defect,
    broken: ({ writable }) =>
      ['CapEff', 'CapPrm', 'CapBnd', 'CapInh', 'CapAmb']
        .map((name) => status(writable, name, '0'.repeat(16)))
        .find(Boolean),
  },
  {
    name: 'user',
    mend: MENDS.defect,
    broken: ({ writable }) => status(writable, 'Uid', '1000 1000 1000 1000'),
  },
  {
    name: 'not-root-outside',
    mend: MENDS.notRoot,
    broken: ({ writable }) => {
      const [outside] = all(writable, 'host-uid');
      return outside !== undefined && outside !== '0'
        ? undefined
        : `for the host, its uid is "${outside ?? ''}"`;
    },
  },
  {
    name: 'namespaces',
    mend: MENDS.namespaces,
    broken: ({ writable }, { hostNamespaces }) => {
      const inside = all(writable, 'namespace').filter((link) => link !== '');
      if (inside.length !== 7) return `only ${inside.length} of 7 namespaces were seen`;
      return listed(
        'shared with the server:',
        inside.filter((link) => hostNamespaces.includes(link)),
      );
    },
  },
  {
    name: 'no-user-namespaces',
    mend: MENDS.defect,
    broken: ({ writable }) =>
      differs(one(writable, 'new-user-namespace'), '1', 'making a user namespace inside exits with'),
  },
  {
    name: 'no-network',
    mend: MENDS.defect,
    broken: ({ writable }) =>
      differs(all(writable, 'interface').join(' '), 'lo', 'network interfaces are') ??
      listed('there are routes:', all(writable, 'route')),
  },
  {
    name: 'root',
    mend: MENDS.defect,
    broken: ({ writable }) =>
      all(writable, 'root').length === 0
        ? 'the root directory was not seen'
        : listed(
            'visible in /:',
            all(writable, 'root').filter((name) => !ROOT.has(name)),
          ),
  },
  {
    name: 'read-only-system',
    mend: MENDS.defect,
    broken: ({ writable }) =>
      listed(
        'writable:',
        all(writable, 'writable').filter((place) => !WRITABLE.includes(place)),
      ),
  },
  {
    name: 'writable-workspace',
    mend: MENDS.reachable,
    broken: ({ writable }) =>
      listed(
        'not writable:',
        WRITABLE.filter((place) => !all(writable, 'writable').includes(place)),
      ),
  },
  {
    name: 'read-only-workspace',
    mend: MENDS.defect,
    broken: ({ readOnly }) =>
      one(readOnly, 'end') === undefined
        ? 'the read-only sandbox told nothing'
        : listed(
            'writable when asked read-only:',
            all(readOnly, 'writable').filter((place) => place === '/workspace'),
          ),
  },
  {
    name: 'sizes',
    mend: MENDS.defect,
    broken: ({ writable }, { tmpBytes }) => {
      const sizes = new Map(all(writable, 'size').map(sizeOf));
      const wrong = Object.entries({
        '/tmp': tmpBytes,
        '/home/agent': tmpBytes,
        '/dev/shm': SHM_BYTES,
      }).filter(([path, bytes]) => !((sizes.get(path) ?? Infinity) <= roundedUp(bytes)));
      return listed(
        'not limited in size:',
        wrong.map(([path]) => path),
      );
    },
  },
  {
    name: 'process-limits',
    mend: MENDS.defect,
    broken: ({ writable }, { openFiles, fileBytes }) =>
      above(one(writable, 'open-files'), openFiles, 'open files are limited to') ??
      above(one(writable, 'file-kib'), Math.floor(fileBytes / KIB), 'KiB of a file are limited to'),
  },
  {
    name: 'limits',
    mend: MENDS.cgroups,
    broken: ({ writable }, { limits: { means, required, shortfall } }) => {
      if (required && shortfall !== undefined) return shortfall;
      return one(writable, 'held') === 'yes' ? undefined : `a sandbox is not held by ${means}`;
    },
  },
  {
    name: 'model-bridge',
    mend: MENDS.packages,
    broken: ({ writable }, { modelAnswer }) =>
      differs(one(writable, 'model'), modelAnswer, 'the model socket answers'),
  },
  {
    name: 'state-out-of-view',
    mend: MENDS.state,
    broken: (_, { statePaths }) =>
      listed(
        'below /usr, which sandboxes see:',
        statePaths.filter((path) => path.startsWith('/usr/')),
      ),
  },
];

export function parseFacts(output: string): Facts {
  const facts = new Map<string, string[]>();
  for (const line of output.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab < 0) continue;
    const name = line.slice(0, tab);
    facts.set(name, [...(facts.get(name) ?? []), line.slice(tab + 1)]);
  }
  return facts;
}

/** Compares what two sandboxes, one writable and one read-only, told about themselves with every promise. */
export function judge(facts: { writable: Facts; readOnly: Facts }, expected: Expected): ProbeReport {
  const checks = PROMISES.map(({ name, mend, broken }): ProbeCheck => {
    const reason = broken(facts, expected);
    return reason === undefined ? { name, ok: true } : { name, ok: false, reason, mend };
  });
  return { ok: checks.every(({ ok }) => ok), checks, warnings: warningsOf(expected) };
}

/** Without cgroups, and allowed to run so. */
function warningsOf({ limits: { required, shortfall } }: Expected): ProbeWarning[] {
  if (required || shortfall === undefined) return [];
  const reason = `memory and processes are watched, not held: ${shortfall}`;
  return [{ name: 'limits', reason, mend: MENDS.cgroups }];
}

const KIB = 1024;

const all = (facts: Facts, name: string): readonly string[] => facts.get(name) ?? [];
const one = (facts: Facts, name: string): string | undefined => facts.get(name)?.[0];
const listed = (what: string, found: readonly string[]) =>
  found.length === 0 ? undefined : `${what} ${[...new Set(found)].join(', ')}`;
const differs = (found: string | undefined, wanted: string, what: string) =>
  found === wanted ? undefined : `${what} "${found ?? ''}" instead of "${wanted}"`;

const above = (found: string | undefined, max: number, what: string) =>
  Number(found) <= max ? undefined : `${what} ${found ?? 'nothing'} instead of ${max}`;

function status(facts: Facts, name: string, wanted: string): string | undefined {
  const line = all(facts, 'status').find((text) => text.startsWith(`${name}: `));
  return differs(line?.slice(name.length + 2), wanted, `${name} is`);
}

/** Name and bytes from `name blocksize blocks`. */
function sizeOf(line: string): [string, number] {
  const [path = '', blockSize, blocks] = line.split(' ');
  return [path, Number(blockSize) * Number(blocks)];
}

/** A tmpfs is made of whole pages, of 64 KiB at most. */
const PAGE_MAX = 65_536;
const roundedUp = (bytes: number) => Math.ceil(bytes / PAGE_MAX) * PAGE_MAX;
