/**
 * The import rules: the arrows of docs/ARCHITECTURE.md, so that an import against the flow fails the tests.
 *
 *   batches → streaming ;  { batches, streaming, audit, metrics, health } → execution → cache → commands → agents → workspaces → sandbox
 *   execution, agents → model-gateway, egress → sockets ;  whoever has routes → access ;  whoever keeps rows → persistence
 */

/** What every feature may use and what uses no feature; so may the product's version be. */
const GROUND = ['config', 'errors', 'logging', 'redaction', 'tracing'];

/**
 * Feature → the features it may import besides itself and the ground.
 * A feature that is missing here fails the rule `every-feature-has-its-arrows`.
 * @type {Record<string, string[]>}
 */
const ARROWS = {
  config: [],
  errors: ['tracing'],
  tracing: ['config'],
  redaction: [],
  logging: ['config', 'errors', 'redaction', 'tracing'],
  // Fixed leaves: the ground on which security stands knows nothing of what is built on it.
  sandbox: [],
  'model-gateway': ['sockets'],
  sockets: [],
  persistence: [],
  // What goes between processes; knows nothing of what it carries.
  redis: [],
  cluster: ['persistence'],
  // The gate in front of every route: whoever has routes imports its decorators, it imports nobody's feature.
  access: ['persistence', 'redis'],
  // Host-side work on workspaces is done inside sandboxes.
  // Clones leave by the egress route, as the sandbox of an agent does.
  workspaces: ['access', 'cluster', 'egress', 'persistence', 'sandbox'],
  // Routes of its own, to grant hosts; knows no sandbox, only the socket that leads out of one.
  egress: ['access', 'persistence', 'sockets'],
  // A route of its own, which tells the engines.
  agents: ['access', 'sandbox', 'model-gateway', 'egress', 'workspaces'],
  // A command compiles to an AgentTask; the path rule of workspaces says which directories it may name.
  commands: ['access', 'agents', 'sandbox', 'workspaces'],
  // What was answered, by what was asked; knows no execution.
  cache: ['agents', 'commands', 'egress', 'persistence', 'workspaces'],
  execution: [
    ...[
      'access',
      'cache',
      'commands',
      'agents',
      'workspaces',
      'sandbox',
      'model-gateway',
      'egress',
      'persistence',
      'redis',
      'cluster',
    ],
  ],
  // Delivers what execution records; execution publishes through its own port and never looks back.
  streaming: ['access', 'commands', 'execution', 'persistence', 'redis'],
  // Many executions as one: accepted through execution, told through streaming, which know nothing of it.
  // Those that can wait go to the model's service by themselves, from one of the processes.
  batches: [
    ...[
      'access',
      'agents',
      'cluster',
      'commands',
      'execution',
      'model-gateway',
      'persistence',
      'streaming',
      'workspaces',
    ],
  ],
  // The observers see all and are imported by nobody.
  audit: ['access', 'commands', 'egress', 'execution', 'persistence'],
  metrics: [
    'access',
    'agents',
    'cache',
    'egress',
    'execution',
    'model-gateway',
    'persistence',
    'sandbox',
    'streaming',
  ],
  health: ['access', 'execution', 'persistence', 'redis', 'sandbox'],
  // For other people's programs: whatever it imports, they get.
  client: [],
  // A client like any other; of the server it shares the rule of what a path is. What it embeds is handed to it.
  cli: ['client', 'workspaces'],
};
/** Nothing of the house, not even the ground: it is used where there is no server. */
const APART = ['client'];
const groundOf = (/** @type {string} */ feature) => ([...GROUND, ...APART].includes(feature) ? [] : GROUND);
const OBSERVERS = ['audit', 'metrics', 'health'];

const anyOf = (/** @type {string[]} */ names) => `(?:${names.join('|')})`;
const SPEC = '\\.spec\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(ARROWS).map(([feature, others]) => ({
      name: `arrows-of-${feature}`,
      comment: `src/${feature} may import only ${[...others, ...groundOf(feature)].join(', ') || 'nothing of the house'}.`,
      severity: /** @type {const} */ ('error'),
      from: { path: `^src/${feature}/` },
      to: {
        path: '^src/',
        pathNot: `^src/(?:version\\.ts$|${anyOf([feature, ...others, ...groundOf(feature)])}/)`,
      },
    })),
    {
      name: 'every-feature-has-its-arrows',
      comment: 'A new folder in src decides what it may import before it is used: add it to ARROWS.',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/${anyOf(Object.keys(ARROWS))}/` },
    },
    {
      name: 'nobody-imports-an-observer',
      comment:
        'audit, metrics and health watch through interceptors and domain events; nothing depends on them.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: `^src/(?:${OBSERVERS.join('|')})/|^src/(?:app|app\\.module|main)\\.ts$`,
      },
      to: { path: `^src/${anyOf(OBSERVERS)}/` },
    },
    {
      name: 'drivers-only-in-persistence',
      comment: 'The only place that knows a database driver; everything else speaks Kysely.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/persistence/' },
      to: { path: '^(?:node:)?sqlite$|node_modules/(?:pg|better-sqlite3|libsql)/' },
    },
    {
      name: 'processes-only-in-the-sandbox',
      comment:
        'The server starts programs in one place only, with an argument list of its own and no shell. ' +
        'The housekeeper is no exception: it is the program that runs inside a sandbox.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/sandbox/|^src/workspaces/housekeeper/|${SPEC}` },
      to: { path: '^(?:node:)?child_process$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-cycles',
      comment:
        'Data goes down once and comes back once; two files that need one another are one file or miss a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nothing imports and that imports nothing is forgotten.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '^src/(?:main|claude-code)\\.ts$|\\.d\\.ts$' },
      to: {},
    },
    {
      name: 'no-development-dependencies-in-src',
      comment: 'The image is installed without them.',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-undeclared-packages',
      comment: "A package that only comes with another one is gone when that one's dependencies change.",
      severity: 'error',
      from: { path: '^(?:src|test|bench)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'what-is-measured-is-what-was-built',
      comment: 'The benchmark takes only types of the sources; what it runs comes from dist.',
      severity: 'error',
      from: { path: '^bench/' },
      to: { path: '^src/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere would otherwise escape every other rule.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'src-knows-no-tests',
      comment: 'What runs in production does not depend on what tests or measures it.',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { path: `^(?:test|bench)/|${SPEC}` },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    // Imports of types are arrows too.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
